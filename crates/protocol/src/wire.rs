//! Envelopes of text and headers of binary frames.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{ClientEvent, Limits, Upload, UploadBody, VERSION};

/// The first bytes of every upload.
const UPLOAD: [u8; 2] = *b"IG";

/// A control message and the version of the protocol it is written in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope<T> {
    pub v: u16,
    pub body: T,
}

/// Why bytes are not a message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    #[error("the message has {actual} bytes; at most {limit} are allowed")]
    TooLarge { actual: usize, limit: usize },
    #[error(
        "the message is of protocol version {actual}, this program speaks {VERSION}: reload the page"
    )]
    Version { actual: u16 },
    #[error("not a message of this protocol: {reason}")]
    Malformed { reason: String },
}

impl<T: Serialize + DeserializeOwned> Envelope<T> {
    /// Puts a message into an envelope of this version.
    pub fn new(body: T) -> Self {
        Self { v: VERSION, body }
    }

    /// The JSON text of this envelope.
    pub fn encode(&self) -> String {
        serde_json::to_string(self).expect("protocol types hold nothing that JSON cannot")
    }

    /// Reads an envelope of this version from a text frame.
    pub fn decode(text: &str) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct VersionOnly {
            v: u16,
        }
        if text.len() > Limits::TEXT_BYTES {
            return Err(DecodeError::TooLarge {
                actual: text.len(),
                limit: Limits::TEXT_BYTES,
            });
        }
        let version: VersionOnly = serde_json::from_str(text).map_err(malformed)?;
        if version.v != VERSION {
            return Err(DecodeError::Version { actual: version.v });
        }
        serde_json::from_str(text).map_err(malformed)
    }
}

/// The bytes of a binary frame that carries `upload`.
pub fn encode_upload(upload: &Upload) -> Vec<u8> {
    framed(UPLOAD, upload)
}

/// Reads an upload from a binary frame and checks every bound.
pub fn decode_upload(bytes: &[u8]) -> Result<Upload, DecodeError> {
    let upload = unframed(UPLOAD, bytes, Limits::UPLOAD_BYTES)?;
    check(&upload)?;
    Ok(upload)
}

/// Two letters, the protocol version, little-endian, and postcard.
pub(crate) fn framed(magic: [u8; 2], body: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    bytes.extend_from_slice(&magic);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    postcard::to_extend(body, bytes).expect("writing to a Vec cannot fail")
}

pub(crate) fn unframed<T: DeserializeOwned>(
    magic: [u8; 2],
    bytes: &[u8],
    limit: usize,
) -> Result<T, DecodeError> {
    if bytes.len() > limit {
        return Err(DecodeError::TooLarge {
            actual: bytes.len(),
            limit,
        });
    }
    let Some((&[m0, m1, v0, v1], body)) = bytes.split_first_chunk::<4>() else {
        return Err(malformed("shorter than its header"));
    };
    if [m0, m1] != magic {
        let [first, second] = magic.map(char::from);
        return Err(malformed(format!(
            "does not begin with \"{first}{second}\""
        )));
    }
    let version = u16::from_le_bytes([v0, v1]);
    if version != VERSION {
        return Err(DecodeError::Version { actual: version });
    }
    let (body, rest) = postcard::take_from_bytes::<T>(body).map_err(malformed)?;
    if !rest.is_empty() {
        return Err(malformed("bytes follow the message"));
    }
    Ok(body)
}

fn check(upload: &Upload) -> Result<(), DecodeError> {
    match &upload.body {
        UploadBody::Journal(batch) => {
            for (name, count) in [
                ("authored", batch.authored.len()),
                ("received", batch.received.len()),
                ("presented", batch.presented.len()),
                ("keys", batch.keys.len()),
                ("events", batch.events.len()),
                ("network", batch.network.len()),
            ] {
                at_most(name, count, Limits::BATCH_RECORDS)?;
            }
            for input in &batch.authored {
                at_most("authored.input", input.input.len(), Limits::INPUT_BYTES)?;
            }
            for input in &batch.received {
                at_most("received.input", input.input.len(), Limits::INPUT_BYTES)?;
            }
            for frame in &batch.presented {
                inputs("presented.inputs", &frame.inputs)?;
            }
            for key in &batch.keys {
                at_most("keys.key", key.key.len(), Limits::TEXT_CHARS)?;
            }
            for event in &batch.events {
                if let ClientEvent::Error { message, .. } = event {
                    at_most("events.message", message.len(), Limits::TEXT_CHARS)?;
                }
            }
        }
        UploadBody::Rows(rows) => {
            at_most("rows", rows.rows.len(), Limits::ROWS)?;
            for row in &rows.rows {
                inputs("rows.inputs", &row.inputs)?;
                at_most("rows.outcome", row.outcome.len(), Limits::OUTCOME_BYTES)?;
            }
        }
        UploadBody::Report(report) => at_most("links", report.links.len(), Limits::PLAYERS)?,
        UploadBody::Seal(_) | UploadBody::Flushed => {}
    }
    Ok(())
}

fn inputs(name: &str, inputs: &[Vec<u8>]) -> Result<(), DecodeError> {
    at_most(name, inputs.len(), Limits::PLAYERS)?;
    inputs
        .iter()
        .try_for_each(|input| at_most(name, input.len(), Limits::INPUT_BYTES))
}

fn at_most(name: &str, actual: usize, limit: usize) -> Result<(), DecodeError> {
    if actual > limit {
        return Err(malformed(format!(
            "{name} has {actual}, at most {limit} are allowed"
        )));
    }
    Ok(())
}

fn malformed(reason: impl ToString) -> DecodeError {
    DecodeError::Malformed {
        reason: reason.to_string(),
    }
}
