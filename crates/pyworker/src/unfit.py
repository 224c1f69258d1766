"""Prints the number of each wheel that is for none of these versions of Python, and what it says."""

import email
import sys
import zipfile

from pip._vendor.packaging.specifiers import InvalidSpecifier, SpecifierSet

pythons = sys.argv[1].split(",")
for number, path in enumerate(sys.argv[2:]):
    with zipfile.ZipFile(path) as wheel:
        names = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA") and name.count("/") == 1]
        wanted = email.message_from_bytes(wheel.read(names[0]))["Requires-Python"] if names else None
    try:
        fits = not wanted or any(SpecifierSet(wanted).contains(python) for python in pythons)
    except InvalidSpecifier:
        fits = True
    if not fits:
        print(number, wanted, sep="\t")
