//! The study's own files: images, atlases and sounds beside `study.toml`.
//!
//! They are read once, when the server starts. A request can only name one of them, so no path
//! that a client makes up ever reaches the file system.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{ServeError, file::File, pages::content_type};

/// What a study may bring. Scripts, pages and everything unknown stay where they are.
const KINDS: [&str; 10] = [
    "png", "jpg", "jpeg", "webp", "gif", "svg", "json", "mp3", "ogg", "wav",
];

/// An SVG that is opened as a page of its own runs nothing and loads nothing.
const CONTENT_SECURITY_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");

/// They keep their names when they change, so browsers ask each time; mostly the answer is 304.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("no-cache");

#[derive(Default)]
pub(crate) struct Assets {
    files: BTreeMap<String, Asset>,
}

struct Asset {
    file: File,
    etag: HeaderValue,
}

impl Assets {
    /// Reads a folder and those below it.
    pub(crate) fn load(folder: Option<&Path>) -> Result<Self, ServeError> {
        let mut assets = Self::default();
        if let Some(folder) = folder {
            assets
                .read_folder(folder, "")
                .map_err(|(path, source)| ServeError::File { path, source })?;
            tracing::info!(files = assets.files.len(), folder = %folder.display(), "read the assets");
        }
        Ok(assets)
    }

    pub(crate) fn answer(&self, path: &str, request: &HeaderMap) -> Response {
        let Some(asset) = self.files.get(path) else {
            let message = "the study has no such asset";
            return (StatusCode::NOT_FOUND, message).into_response();
        };
        let headers = [
            (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
            (header::CACHE_CONTROL, CACHE_CONTROL),
            (header::ETAG, asset.etag.clone()),
        ];
        if is_known(request, &asset.etag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        let content_type = [(header::CONTENT_TYPE, asset.file.content_type)];
        (headers, content_type, asset.file.content.clone()).into_response()
    }

    /// Names have forward slashes on every system.
    fn read_folder(&mut self, folder: &Path, prefix: &str) -> Result<(), (PathBuf, io::Error)> {
        let at_folder = |error| (folder.to_owned(), error);
        for entry in fs::read_dir(folder).map_err(at_folder)? {
            let entry = entry.map_err(at_folder)?;
            let path = entry.path();
            // Of a link this is the link's own kind: links are never followed, wherever they lead.
            let kind = entry.file_type().map_err(at_folder)?;
            let name = entry.file_name().into_string();
            let Some(name) = name.ok().filter(|name| !name.starts_with('.')) else {
                continue;
            };
            if kind.is_dir() {
                self.read_folder(&path, &format!("{prefix}{name}/"))?;
            } else if kind.is_file() && servable(&name) {
                let content = fs::read(&path).map_err(|error| (path, error))?;
                self.files
                    .insert(format!("{prefix}{name}"), Asset::new(&name, content));
            } else {
                tracing::warn!(
                    path = %path.display(),
                    "not served: an asset is an image, a JSON file or a sound, and no link"
                );
            }
        }
        Ok(())
    }
}

impl Asset {
    fn new(name: &str, content: Vec<u8>) -> Self {
        let etag = format!("\"{}\"", blake3::hash(&content).to_hex());
        Self {
            file: File::new(content, content_type(&name.to_ascii_lowercase())),
            etag: HeaderValue::try_from(etag).expect("hexadecimal in quotes is a header value"),
        }
    }
}

/// Whether the browser has it already. A proxy may have marked the tag as weak.
fn is_known(request: &HeaderMap, etag: &HeaderValue) -> bool {
    let lines = request.get_all(header::IF_NONE_MATCH).into_iter();
    lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|tag| tag.strip_prefix(b"W/").unwrap_or(tag) == etag.as_bytes())
}

fn servable(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    KINDS
        .iter()
        .any(|kind| extension.eq_ignore_ascii_case(kind))
}
