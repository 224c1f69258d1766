//! Saying no.

use igym_protocol::{Refusal, RefusalCode};

pub(crate) fn refuse<T>(code: RefusalCode, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal {
        upload: None,
        code,
        message: message.into(),
    })
}

/// Well-formed, but not now.
pub(crate) fn not_now<T>(message: impl Into<String>) -> Result<T, Refusal> {
    refuse(RefusalCode::WrongState, message)
}

pub(crate) fn not_a_member<T>() -> Result<T, Refusal> {
    let message = "you are not a member of this session";
    refuse(RefusalCode::NotAMember, message)
}

pub(crate) fn unknown<T>() -> Result<T, Refusal> {
    refuse(RefusalCode::UnknownToken, "nobody here has this token")
}
