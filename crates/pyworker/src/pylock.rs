//! The wheels of a `pylock.toml`, as uv writes it.

use serde::Deserialize;

use crate::{Digest, PrepareError};

/// A wheel, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Locked {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) file: String,
    pub(crate) url: String,
    pub(crate) sha256: Digest,
}

#[derive(Deserialize)]
struct Pylock {
    #[serde(default)]
    packages: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    version: Option<String>,
    #[serde(default)]
    wheels: Vec<Wheel>,
}

#[derive(Deserialize)]
struct Wheel {
    name: Option<String>,
    url: Option<String>,
    path: Option<String>,
    #[serde(default)]
    hashes: Hashes,
}

#[derive(Default, Deserialize)]
struct Hashes {
    sha256: Option<Digest>,
}

/// One wheel for each package.
pub(crate) fn read(text: &str) -> Result<Vec<Locked>, PrepareError> {
    let pylock: Pylock = toml::from_str(text).map_err(|error| PrepareError::Program {
        program: "uv pip compile",
        said: format!("its answer cannot be read: {error}"),
        hint: "use the newest uv",
    })?;
    pylock.packages.into_iter().map(wheel).collect()
}

fn wheel(entry: Entry) -> Result<Locked, PrepareError> {
    let unusable = |what: &str| PrepareError::Unusable {
        name: entry.name.clone(),
        what: what.to_owned(),
    };
    let found = entry.wheels.first();
    let wheel = found.ok_or_else(|| {
        unusable(
            "it is no wheel of an index; put its wheel into a folder and give that with --wheels",
        )
    })?;
    let url = wheel.url.clone().or_else(|| wheel.path.clone());
    let url = url.ok_or_else(|| unusable("its index does not say where the wheel is"))?;
    let last = url
        .split(['?', '#'])
        .next()
        .and_then(|path| path.rsplit('/').next());
    let file = wheel
        .name
        .clone()
        .unwrap_or_else(|| decoded(last.unwrap_or_default()));
    let sha256 = wheel.hashes.sha256.clone();
    Ok(Locked {
        sha256: sha256.ok_or_else(|| unusable("its index gives no sha256 of the wheel"))?,
        version: entry.version.clone().unwrap_or_default(),
        name: entry.name.clone(),
        file,
        url,
    })
}

/// The path of a `file:` address.
pub(crate) fn local(url: &str) -> Option<String> {
    match url.strip_prefix("file://") {
        Some(path) => Some(decoded(path)),
        None => (!url.contains("://")).then(|| url.to_owned()),
    }
}

/// Without `%20` and its like.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend(before.as_bytes());
        let code = after
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(b'%');
                rest = after;
            }
        }
    }
    bytes.extend(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wheels_are_read_with_their_names() {
        let sum = "ab".repeat(32);
        let text = format!(
            "[[packages]]\nname = \"a\"\nversion = \"1.0+b\"\n\
             wheels = [{{ url = \"https://x.example/f/a-1.0%2Bb-py3-none-any.whl#x\", \
             hashes = {{ sha256 = \"{sum}\" }} }}]\n"
        );
        let found = read(&text).unwrap();
        assert_eq!(found[0].file, "a-1.0+b-py3-none-any.whl");
        assert_eq!(found[0].sha256.as_str(), sum);
        assert!(read(&text.replace("sha256", "md5")).is_err());
        assert!(read("[[packages]]\nname = \"a\"\n").is_err());
        assert!(read("").unwrap().is_empty());
    }

    #[test]
    fn local_files_are_known_by_their_addresses() {
        assert_eq!(
            local("file:///a%20b/c%.whl").as_deref(),
            Some("/a b/c%.whl")
        );
        assert_eq!(local("wheels/c.whl").as_deref(), Some("wheels/c.whl"));
        assert_eq!(local("https://x.example/c.whl"), None);
    }
}
