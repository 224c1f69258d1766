"""Takes members out of a zip archive: of a file, or by range requests of an address.

    python member.py <file or address> <folder> <member>...
"""

import io
import os
import sys
import urllib.request
import zipfile


class Remote(io.RawIOBase):
    def __init__(self, address):
        self.address = address
        self.place = 0
        with self.ask("bytes=-1") as answer:
            self.size = int(answer.headers["Content-Range"].rsplit("/", 1)[1])

    def ask(self, span):
        answer = urllib.request.urlopen(urllib.request.Request(self.address, headers={"Range": span}), timeout=60)
        if answer.status != 206:
            sys.exit("the server does not answer range requests")
        return answer

    def readable(self):
        return True

    def seekable(self):
        return True

    def tell(self):
        return self.place

    def seek(self, offset, whence=0):
        self.place = (0, self.place, self.size)[whence] + offset
        return self.place

    def read(self, count=-1):
        end = self.size if count < 0 else min(self.size, self.place + count)
        if end <= self.place:
            return b""
        with self.ask(f"bytes={self.place}-{end - 1}") as answer:
            data = answer.read()
        self.place += len(data)
        return data


source, folder, *members = sys.argv[1:]
with zipfile.ZipFile(Remote(source) if "://" in source else source) as archive:
    for member in members:
        with open(os.path.join(folder, os.path.basename(member)), "wb") as file:
            file.write(archive.read(member))
