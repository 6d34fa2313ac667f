//! A classifier behind HTTP/1.1. Plain `http://` only: a service on another machine belongs behind a proxy that encrypts.
//!
//! ```text
//! POST /path                      → 200, {"version": "…", "scores": {"nsfw": 0.02, …}}
//! Content-Type: image/png           version may be left out; scores are from 0 to 1
//! ```
//! Anything else — another status, a redirect, other JSON, a late byte — is no answer.

use super::invalid;
use crate::Result;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder as _};
use policy::Answer;
use serde::Deserialize;
use spec::Picture;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

/// Bytes of an answer that are read: thousands of labels.
const MAXIMUM_ANSWER: usize = 256 * 1024;
/// Bytes written between two looks at the clock.
const WRITTEN_AT_ONCE: usize = 64 * 1024;
/// Characters of a version that are recorded.
const MAXIMUM_VERSION: usize = 100;

/// A service that looks at pictures.
pub struct HttpClassifier {
    name: String,
    /// `host:port`.
    authority: String,
    path: String,
    timeout: Duration,
}

#[derive(Deserialize)]
struct Body {
    version: Option<String>,
    scores: BTreeMap<String, f32>,
}

impl HttpClassifier {
    /// `url` is `http://host[:port][/path]`; `timeout` is for a whole exchange. Nothing is asked yet.
    pub fn new(name: &str, url: &str, timeout: Duration) -> Result<Self> {
        let wrong = || invalid(name, format!("url {url:?}: http://host:port/path is expected / 网址应为 http://主机:端口/路径"));
        let rest = url.strip_prefix("http://").filter(|rest| rest.bytes().all(|byte| byte.is_ascii_graphic())).ok_or_else(wrong)?;
        let (host, path) = rest.find(['/', '?']).map_or((rest, ""), |end| rest.split_at(end));
        // What is a colon of a port in `[::1]:80` is none in `[::1]`.
        let port = host.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.ends_with(']'));
        let named_port = port.map(str::parse::<u16>).transpose().map_err(|_| wrong())?;
        let is_plain = !host.is_empty() && !host.starts_with(':') && !host.contains(['@', '#']) && !path.contains('#');
        if !is_plain || named_port == Some(0) {
            return Err(wrong());
        }
        let authority = if named_port.is_some() { host.to_owned() } else { format!("{host}:80") };
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { name: name.to_owned(), authority, path, timeout })
    }

    fn exchange(&self, body: &[u8]) -> io::Result<Vec<u8>> {
        let clock = Deadline(Instant::now() + self.timeout);
        let mut stream = self.connect(&clock)?;
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: image/png\r\nContent-Length: {}\r\nAccept: application/json\r\nConnection: close\r\n\r\n",
            self.path,
            self.authority,
            body.len()
        );
        for part in [head.as_bytes(), body].into_iter().flat_map(|bytes| bytes.chunks(WRITTEN_AT_ONCE)) {
            stream.set_write_timeout(Some(clock.left()?))?;
            stream.write_all(part)?;
        }
        let mut answer = Vec::new();
        let mut part = [0; 4096];
        loop {
            stream.set_read_timeout(Some(clock.left()?))?;
            let count = stream.read(&mut part)?;
            answer.extend_from_slice(&part[..count]);
            if answer.len() > MAXIMUM_ANSWER {
                return Err(io::Error::other("the answer is too long / 应答过长"));
            }
            // Some services keep the connection open in spite of what they were told.
            if count == 0 || !matches!(content(&answer), Ok(None)) {
                return Ok(answer);
            }
        }
    }

    fn connect(&self, clock: &Deadline) -> io::Result<TcpStream> {
        let mut failure = io::Error::other("the host has no address / 主机无地址");
        for address in self.authority.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, clock.left()?) {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }
}

impl policy::ImageClassifier for HttpClassifier {
    fn name(&self) -> &str {
        &self.name
    }

    fn look(&self, picture: &Picture) -> Result<Answer, String> {
        let mut png = Vec::new();
        let encoded = PngEncoder::new(&mut png).write_image(picture.pixels(), picture.width(), picture.height(), ExtendedColorType::Rgb8);
        encoded.map_err(|error| error.to_string())?;
        let answer = self.exchange(&png).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                format!("no answer within {} s / {} 秒内未应答", self.timeout.as_secs_f64(), self.timeout.as_secs_f64())
            }
            _ => format!("{}: {error} / 无法访问 {}", self.authority, self.authority),
        })?;
        let content = content(&answer)?.ok_or("the answer ends early / 应答不完整")?;
        let body: Body = serde_json::from_slice(&content)
            .map_err(|error| format!("the answer is not {{\"scores\": {{label: number}}}}: {error} / 应答格式不符"))?;
        let version = body.version.unwrap_or_else(|| "unknown".to_owned()).chars().take(MAXIMUM_VERSION).collect();
        Ok(Answer { version, scores: body.scores.into_iter().collect() })
    }
}

struct Deadline(Instant);

impl Deadline {
    fn left(&self) -> io::Result<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

/// The content of an answer with status 200; `None` while some of it is still to come.
fn content(answer: &[u8]) -> Result<Option<Vec<u8>>, String> {
    const END: &[u8] = b"\r\n\r\n";
    let Some(end) = answer.windows(END.len()).position(|window| window == END) else { return Ok(None) };
    let head = std::str::from_utf8(&answer[..end]).map_err(|_| "the answer is not HTTP / 应答不是 HTTP")?;
    let rest = &answer[end + END.len()..];
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    let code = status.strip_prefix("HTTP/1.").and_then(|rest| rest.get(1..)).and_then(|rest| rest.strip_prefix(' '));
    if code.and_then(|code| code.split(' ').next()) != Some("200") {
        let status: String = status.chars().take(80).collect();
        return Err(format!("the answer is {status:?}, not 200 / 应答为 {status:?}，不是 200"));
    }
    let (mut length, mut chunked) = (None, false);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(value.trim().parse::<usize>().map_err(|_| "Content-Length is no number / Content-Length 有误")?);
        }
        chunked |= name.eq_ignore_ascii_case("transfer-encoding") && value.trim().eq_ignore_ascii_case("chunked");
    }
    match (chunked, length) {
        (true, _) => dechunked(rest),
        (false, Some(length)) => Ok(rest.get(..length).map(<[u8]>::to_vec)),
        // Without a length nobody can tell a whole answer from one that was cut off.
        (false, None) => Err("the answer has no Content-Length / 应答缺少 Content-Length".to_owned()),
    }
}

/// The parts of a chunked content put together; `None` while some are still to come.
fn dechunked(mut rest: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let mut whole = Vec::new();
    loop {
        let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") else { return Ok(None) };
        let size = std::str::from_utf8(&rest[..end]).ok().and_then(|line| line.split(';').next());
        let size = size.and_then(|digits| usize::from_str_radix(digits.trim(), 16).ok()).filter(|size| *size <= MAXIMUM_ANSWER);
        let size = size.ok_or("a chunk of the answer has no size / 应答分块有误")?;
        if size == 0 {
            return Ok(Some(whole));
        }
        let Some(part) = rest.get(end + 2..end + 2 + size) else { return Ok(None) };
        whole.extend_from_slice(part);
        rest = rest.get(end + 4 + size..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::{HttpClassifier, content};
    use std::time::Duration;

    #[test]
    fn addresses_are_taken_apart() {
        let open = |url: &str| HttpClassifier::new("c", url, Duration::from_secs(1)).map(|service| (service.authority, service.path));
        let expect = |authority: &str, path: &str| (authority.to_owned(), path.to_owned());
        assert_eq!(open("http://localhost:8080/a/b?c=d").unwrap(), expect("localhost:8080", "/a/b?c=d"));
        assert_eq!(open("http://10.0.0.1").unwrap(), expect("10.0.0.1:80", "/"));
        assert_eq!(open("http://[::1]?x").unwrap(), expect("[::1]:80", "/?x"));
        assert_eq!(open("http://[::1]:9/x").unwrap(), expect("[::1]:9", "/x"));
        for wrong in [
            "https://a/",
            "a:80",
            "http://",
            "http:///x",
            "http://:80/",
            "http://a:b/",
            "http://a:0/",
            "http://u@a/",
            "http://a/\r\nX: y",
            "http://a/ b",
        ] {
            assert!(open(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn answers_are_whole_or_none() {
        let whole = |answer: &str| content(answer.as_bytes()).map(|content| content.map(|bytes| String::from_utf8(bytes).unwrap()));
        assert_eq!(whole("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}extra"), Ok(Some("{}".to_owned())));
        assert_eq!(whole("HTTP/1.0 200\r\ncontent-length:2\r\n\r\n{}"), Ok(Some("{}".to_owned())));
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n";
        assert_eq!(whole(chunked), Ok(Some("{}".to_owned())));
        for length in 0..chunked.find("\r\n0\r\n").unwrap() + 5 {
            assert_eq!(whole(&chunked[..length]), Ok(None), "{length}");
        }
        assert_eq!(whole("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}"), Ok(None));
        for wrong in [
            "HTTP/1.1 302 Found\r\nContent-Length: 2\r\n\r\n{}",
            "HTTP/1.1 2000\r\nContent-Length: 2\r\n\r\n{}",
            "SSH-2.0-OpenSSH\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff0\r\n{}",
        ] {
            assert!(whole(wrong).is_err(), "{wrong:?}");
        }
    }
}
