//! A classifier behind HTTP, with or without TLS.
//!
//! ```text
//! POST /path                      → 200, {"version": "…", "scores": {"nsfw": 0.02, …}}
//! Content-Type: image/png           version may be left out; scores are from 0 to 1
//! ```
//! Anything else — another status, a redirect, other JSON, a key that is unknown or given twice, a score beyond 0 to 1, a late byte — is no answer. Pictures go to the
//! configured address alone: redirects are not followed, and proxies of the environment are not used.

use super::invalid;
use crate::{Error, Result};
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder as _};
use policy::Answer;
use spec::Picture;
use std::path::Path;
use std::time::Duration;
use ureq::http::Uri;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// Bytes of an answer that are read: thousands of labels.
const MOST_ANSWER_BYTES: u64 = 256 * 1024;
/// Characters of a version that are recorded.
const MOST_VERSION: usize = 100;

/// A service that looks at pictures.
pub struct HttpClassifier {
    name: String,
    url: String,
    timeout: Duration,
    agent: ureq::Agent,
}

/// Where a service is, and how it is asked.
pub struct Service<'a> {
    /// How records call it.
    pub name: &'a str,
    /// `http://host[:port][/path]`, or `https`.
    pub url: &'a str,
    /// For a whole exchange, from the look-up of the name to the last byte.
    pub timeout: Duration,
    /// PEM file with the certificates that vouch for the service; without it, those that browsers trust.
    pub certificate_authority: Option<&'a Path>,
}

impl HttpClassifier {
    /// Nothing is asked yet.
    pub fn new(service: &Service<'_>) -> Result<Self> {
        let Service { name, url, timeout, certificate_authority } = *service;
        check_url(name, url)?;
        let roots = match certificate_authority {
            None => RootCerts::WebPki,
            Some(path) => RootCerts::new_with_certs(&authorities(name, path)?),
        };
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            // A connection that a service closes meanwhile would cost the next picture its answer.
            .max_idle_connections(0)
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .build()
            .new_agent();
        Ok(Self { name: name.to_owned(), url: url.to_owned(), timeout, agent })
    }

    fn exchange(&self, png: &[u8]) -> std::result::Result<Vec<u8>, String> {
        let request = self.agent.post(&self.url).header("Content-Type", "image/png").header("Accept", "application/json");
        let mut response = request.send(png).map_err(|error| self.failure(&error))?;
        if response.status() != 200 {
            let status = response.status();
            return Err(format!("the answer is {status}, not 200 / 应答为 {status}，不是 200"));
        }
        let body = response.body_mut().with_config().limit(MOST_ANSWER_BYTES).read_to_vec();
        body.map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &ureq::Error) -> String {
        match error {
            ureq::Error::Timeout(_) => {
                format!("no answer within {0} s / {0} 秒内未应答", self.timeout.as_secs_f64())
            }
            ureq::Error::BodyExceedsLimit(_) => "the answer is too long / 应答过长".to_owned(),
            other => format!("{0}: {other} / 无法访问 {0}", self.url),
        }
    }
}

impl policy::ImageClassifier for HttpClassifier {
    fn name(&self) -> &str {
        &self.name
    }

    fn look(&self, picture: &Picture) -> std::result::Result<Answer, String> {
        let mut png = Vec::new();
        let encoded = PngEncoder::new(&mut png).write_image(picture.pixels(), picture.width(), picture.height(), ExtendedColorType::Rgb8);
        encoded.map_err(|error| error.to_string())?;
        let mut answer = Answer::from_json(&self.exchange(&png)?).map_err(|malformed| malformed.to_string())?;
        let version = if answer.version.is_empty() { "unknown" } else { &answer.version };
        answer.version = version.chars().take(MOST_VERSION).collect();
        Ok(answer)
    }
}

fn check_url(name: &str, url: &str) -> Result<()> {
    let wrong =
        || invalid(name, format!("url {url:?}: http://host:port/path or https is expected / 网址应为 http://主机:端口/路径 或 https"));
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let authority = uri.authority().ok_or_else(wrong)?;
    // The parser lets users pass, and ports that are no numbers.
    let (host, text) = (authority.host(), authority.as_str());
    let is_plain = !host.is_empty() && !text.contains('@') && (authority.port().is_some() || text.len() == host.len());
    match uri.scheme_str() {
        Some("http" | "https") if is_plain && authority.port_u16() != Some(0) && !url.contains('#') => Ok(()),
        _ => Err(wrong()),
    }
}

/// The certificates of a PEM file.
fn authorities(name: &str, path: &Path) -> Result<Vec<Certificate<'static>>> {
    let text = std::fs::read(path).map_err(|error| Error::file(path, error))?;
    let mut found = Vec::new();
    for item in parse_pem(&text) {
        if let Ok(PemItem::Certificate(certificate)) = item {
            found.push(certificate);
        }
    }
    if found.is_empty() {
        return Err(invalid(name, format!("{0} holds no certificate in PEM / {0} 中没有 PEM 证书", path.display())));
    }
    Ok(found)
}
