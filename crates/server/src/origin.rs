//! Other sites' pages may neither make participants nor speak as a page of ours.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// Refuses what a browser says comes from another site. Programs that are no browsers say nothing
/// about where they come from, and are welcome.
pub(crate) async fn refuse_other_sites(request: Request, next: Next) -> Response {
    if is_from_another_site(request.headers()) {
        tracing::trace!("refused a request from another site");
        let message = "this request comes from a page of another site; behind a reverse proxy, \
                       let it pass the header `Host` on";
        return (StatusCode::FORBIDDEN, message).into_response();
    }
    next.run(request).await
}

fn is_from_another_site(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
    let foreign_origin = headers
        .get_all(header::ORIGIN)
        .iter()
        .any(|origin| !is_ours(origin.to_str().ok(), host));
    foreign_origin
        || headers
            .get_all("sec-fetch-site")
            .iter()
            .any(|site| site == "cross-site")
}

/// Whether an origin is that of the host asked. The schemes need not be the same: a proxy may add
/// the S to HTTP.
fn is_ours(origin: Option<&str>, host: Option<&str>) -> bool {
    let (Some((scheme, origin)), Some(host)) =
        (origin.and_then(|origin| origin.split_once("://")), host)
    else {
        return false;
    };
    // Browsers leave a usual port out; some proxies write it.
    let usual_port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return false,
    };
    let host = host.strip_suffix(usual_port).unwrap_or(host);
    origin.eq_ignore_ascii_case(host)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn refused(lines: &[(&'static str, &'static str)]) -> bool {
        let lines = lines.iter().map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, value);
        }
        is_from_another_site(&headers)
    }

    #[test]
    fn only_the_host_itself_and_programs_get_in() {
        let host = ("host", "study.example:8000");
        for ours in [
            &[host][..],
            &[],
            &[host, ("origin", "http://study.example:8000")],
            &[host, ("origin", "http://STUDY.example:8000")],
            &[
                host,
                ("origin", "http://study.example:8000"),
                ("sec-fetch-site", "same-origin"),
            ],
            &[host, ("sec-fetch-site", "none")],
            &[
                ("host", "study.example"),
                ("origin", "https://study.example"),
            ],
            &[
                ("host", "study.example:443"),
                ("origin", "https://study.example"),
            ],
            &[("host", "[::1]:8000"), ("origin", "http://[::1]:8000")],
        ] {
            assert!(!refused(ours), "{ours:?}");
        }
        for theirs in [
            &[host, ("origin", "http://evil.example")][..],
            &[host, ("origin", "http://study.example")],
            &[host, ("origin", "http://study.example:8001")],
            &[host, ("origin", "http://study.example:8000.evil.example")],
            &[host, ("origin", "http://evil.example/study.example:8000")],
            &[host, ("origin", "null")],
            &[host, ("origin", "")],
            &[host, ("origin", "study.example:8000")],
            &[host, ("origin", "file://study.example:8000")],
            &[("origin", "http://study.example")],
            &[host, ("sec-fetch-site", "cross-site")],
            &[
                host,
                ("origin", "http://study.example:8000"),
                ("origin", "http://evil.example"),
            ],
            &[
                ("host", "study.example:80"),
                ("origin", "https://study.example"),
            ],
        ] {
            assert!(refused(theirs), "{theirs:?}");
        }
    }
}
