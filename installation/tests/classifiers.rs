//! Classifiers by configuration: services that answer, answer wrongly, late or not at all; models; mistakes in the settings.
use installation::{ClassifierSettings, ImageSafety, LabelSettings, ScreeningSettings};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use spec::{Artifact, Code, KindOfWork, Picture, ScreeningDecision};
use std::io::{Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Long enough for a loaded machine, where an answer is expected.
const PATIENT: f64 = 20.0;
/// Short, where none is.
const IMPATIENT: f64 = 0.3;

fn label(block: f32) -> LabelSettings {
    LabelSettings { class: "A1.f".into(), block, review: None }
}

fn settings(classifier: ClassifierSettings) -> ScreeningSettings {
    let safety = ImageSafety { builtin: false, ..ImageSafety::default() };
    ScreeningSettings { safety, classifiers: vec![classifier], appeal_contact: None }
}

fn service(url: String, timeout_seconds: f64) -> ScreeningSettings {
    settings(ClassifierSettings::Http {
        name: "remote".into(),
        url,
        certificate_authority: None,
        timeout_seconds,
        labels: [("nsfw".into(), label(0.5))].into(),
    })
}

fn model(folder: PathBuf, name: &str) -> ScreeningSettings {
    settings(ClassifierSettings::Model { name: "own".into(), folder, labels: [(name.into(), label(0.5))].into() })
}

fn picture() -> Picture {
    Picture::new(9, 5, (0..135).collect()).unwrap()
}

/// Serves one exchange after another; gives the address.
fn serve(exchange: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().flatten().for_each(exchange));
    format!("http://{address}/look")
}

/// Reads a whole request: head in small letters, and body.
fn request(stream: &mut impl Read) -> (String, Vec<u8>) {
    let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut part).unwrap();
        bytes.extend_from_slice(&part[..count]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse::<usize>().unwrap();
        if bytes.len() == end + 4 + length {
            return (head, bytes.split_off(end + 4));
        }
        assert!(count > 0, "the request ends early");
    }
}

fn answering(answer: &'static str) -> String {
    serve(move |mut stream| {
        request(&mut stream);
        let _ = stream.write_all(answer.as_bytes());
    })
}

fn failure(settings: &ScreeningSettings) -> String {
    let screening = settings.gate().unwrap().examine(&Artifact::Picture(picture()));
    assert_eq!(screening.decision, ScreeningDecision::Block);
    assert!(screening.results[0].scores.is_empty());
    screening.results[0].failure.clone().unwrap()
}

#[test]
fn a_service_sees_the_picture_and_its_scores_count() {
    let url = serve(|mut stream| {
        let (head, body) = request(&mut stream);
        assert!(
            head.starts_with("post /look http/1.1\r\n") && head.contains("host: 127.0.0.1:") && head.contains("content-type: image/png"),
            "{head}"
        );
        let seen = image::load_from_memory(&body).unwrap().into_rgb8();
        let score = if seen.into_raw() == picture().pixels() { "0.75" } else { "0" };
        let content = format!("{{\"version\": \"v2\", \"scores\": {{\"nsfw\": {score}, \"other\": 1}}}}");
        // In small pieces, and the connection stays open.
        let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", content.len()).as_bytes());
        for byte in content.bytes() {
            let _ = stream.write_all(&[byte]);
        }
        std::thread::sleep(Duration::from_mins(1));
    });
    let begun = Instant::now();
    let screening = service(url, 55.0).gate().unwrap().examine(&Artifact::Picture(picture()));
    assert_eq!(screening.decision, ScreeningDecision::Block);
    let result = &screening.results[0];
    assert_eq!((result.classifier.as_str(), result.version.as_str(), &result.failure), ("remote", "v2", &None));
    assert_eq!((result.scores[0].rule.as_str(), result.scores[0].score), ("remote.nsfw", 0.75));
    assert!(begun.elapsed() < Duration::from_secs(50), "a whole answer is taken at once");
}

#[test]
fn a_low_score_passes() {
    let url = answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n18\r\n{\"scores\":{\"nsfw\":0.25}}\r\n0\r\n\r\n");
    let screening = service(url, PATIENT).gate().unwrap().examine(&Artifact::Picture(picture()));
    assert_eq!(screening.decision, ScreeningDecision::Pass, "{screening:?}");
    assert_eq!(screening.results[0].version, "unknown");
}

#[test]
fn garbage_blocks() {
    let answers = [
        "",
        "\r\n\r\n",
        "hello",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<htm>",
        "HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n{\"scores\":{\"nsfw\":\"no\"}}",
        "HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{\"scores\":{\"nsfw\":9}}",
        "HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n{\"scores\":{\"safe\":0.25}}",
        "HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{\"scores\":{\"nsfw\":0.25}}",
        "HTTP/1.1 500 Oops\r\nContent-Length: 24\r\n\r\n{\"scores\":{\"nsfw\":0.25}}",
        "HTTP/1.1 200 OK\r\nContent-Length: 35\r\n\r\n{\"scores\":{\"nsfw\":0.9,\"nsfw\":0.25}}",
        "HTTP/1.1 200 OK\r\nContent-Length: 46\r\n\r\n{\"scores\":{\"nsfw\":0.9},\"scores\":{\"nsfw\":0.25}}",
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    ];
    for answer in answers {
        println!("{answer:?}: {}", failure(&service(answering(answer), PATIENT)));
    }
}

#[test]
fn an_endless_answer_blocks() {
    let url = serve(|mut stream| {
        request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n");
        while stream.write_all(&[b' '; 4096]).is_ok() {}
    });
    assert!(failure(&service(url, PATIENT)).contains("too long"));
}

#[test]
fn silence_and_drip_feed_block_in_time() {
    let silent = serve(|_stream| std::thread::sleep(Duration::from_mins(1)));
    let dripping = serve(|mut stream| {
        request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX-Long: ");
        while stream.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    for url in [silent, dripping] {
        let begun = Instant::now();
        let failure = failure(&service(url, IMPATIENT));
        assert!(failure.contains("no answer within 0.3 s") && failure.contains("未应答"), "{failure}");
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
}

#[test]
fn a_refused_connection_blocks_unless_told_otherwise() {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut settings = service(format!("http://{address}/"), PATIENT);
    failure(&settings);
    settings.safety.fail_closed = false;
    let screening = settings.gate().unwrap().examine(&Artifact::Picture(picture()));
    assert_eq!(screening.decision, ScreeningDecision::Review);
    assert!(screening.results[0].failure.is_some());
}

#[test]
fn pictures_follow_no_redirect() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let other = serve(move |mut stream| {
        count.fetch_add(1, Ordering::SeqCst);
        request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n{\"scores\":{\"nsfw\":0.25}}");
    });
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let answer = format!("HTTP/1.1 {status}\r\nLocation: {other}\r\nContent-Length: 0\r\n\r\n");
        let url = serve(move |mut stream| {
            request(&mut stream);
            let _ = stream.write_all(answer.as_bytes());
        });
        let failure = failure(&service(url, PATIENT));
        assert!(failure.contains(status.split(' ').next().unwrap()), "{failure}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

fn tls(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

/// Serves `{"scores":{"nsfw":0.75}}` over TLS, with a certificate that `ca.pem` vouches for.
fn serve_with_tls() -> String {
    let chain = vec![CertificateDer::from_pem_file(tls("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(tls("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let settings = Arc::new(versions.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let url = serve(move |stream| {
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&settings)).unwrap(), stream);
        // A client that does not trust the certificate breaks off before the request.
        if stream.conn.complete_io(&mut stream.sock).is_ok() {
            request(&mut stream);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n{\"scores\":{\"nsfw\":0.75}}");
        }
    });
    url.replace("http://", "https://")
}

fn service_with_tls(url: String, authority: Option<PathBuf>) -> ScreeningSettings {
    let mut settings = service(url, PATIENT);
    let [ClassifierSettings::Http { certificate_authority, .. }] = settings.classifiers.as_mut_slice() else { panic!("one service") };
    *certificate_authority = authority;
    settings
}

#[test]
fn a_service_behind_tls_is_asked_where_its_certificate_is_vouched_for() {
    let url = serve_with_tls();
    let screening = service_with_tls(url.clone(), Some(tls("ca.pem"))).gate().unwrap().examine(&Artifact::Picture(picture()));
    assert_eq!(screening.decision, ScreeningDecision::Block);
    assert_eq!((screening.results[0].scores[0].score, &screening.results[0].failure), (0.75, &None));
    let untrusted = failure(&service_with_tls(url, None));
    assert!(untrusted.contains("ertificate"), "{untrusted}");
    let plain = answering("HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n{\"scores\":{\"nsfw\":0.25}}").replace("http://", "https://");
    println!("{}", failure(&service_with_tls(plain, Some(tls("ca.pem")))));
    for not_certificates in [tls("server.key"), tls("none.pem")] {
        let settings = service_with_tls("https://127.0.0.1:9/".into(), Some(not_certificates));
        assert_eq!(settings.gate().err().map(|error| error.code()), Some(Code::ConfigurationInvalid));
    }
}

fn tiny_model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/goldens/classifiers/vit")
}

#[test]
fn a_model_of_the_users_own_counts() {
    let screening = model(tiny_model(), "nsfw").gate().unwrap().examine(&Artifact::Picture(picture()));
    let result = &screening.results[0];
    assert!(result.version.starts_with("sha256:") && result.failure.is_none(), "{result:?}");
    assert!(result.scores[0].score > 0.0);
}

#[test]
fn the_builtin_classifier_needs_no_settings() {
    let gate = ScreeningSettings::default().gate().unwrap();
    assert_eq!(gate.classifiers(KindOfWork::Picture), ["open-nsfw"]);
    let screening = gate.examine(&Artifact::Picture(picture()));
    assert_eq!(screening.results[0].scores[0].rule, "open-nsfw.nsfw");
    let off = ScreeningSettings { safety: ImageSafety { enabled: false, ..ImageSafety::default() }, ..model(tiny_model(), "nsfw") };
    assert!(off.gate().unwrap().classifiers(KindOfWork::Picture).is_empty());
}

#[test]
fn mistakes_in_the_settings_are_told_before_the_first_picture() {
    let code = |settings: &ScreeningSettings| settings.gate().map(|gate| gate.classifiers(KindOfWork::Picture).len()).unwrap_err().code();
    let url = "http://127.0.0.1:9/".to_owned();
    for wrong in
        ["ftp://a/", "a:80", "http://", "http:///x", "http://:80/", "http://a:b/", "http://a:0/", "http://u@a/", "http://a/ b", "/x"]
    {
        assert_eq!(code(&service(wrong.into(), 1.0)), Code::ConfigurationInvalid, "{wrong:?}");
    }
    for seconds in [0.0, -1.0, f64::NAN, 1e9] {
        assert_eq!(code(&service(url.clone(), seconds)), Code::ConfigurationInvalid);
    }
    assert_eq!(code(&model(tiny_model(), "no-such-label")), Code::ConfigurationInvalid);
    assert!(model(tiny_model().join("nothing"), "nsfw").gate().is_err());
    let labelled = |settings: LabelSettings| {
        let labels = [("nsfw".to_owned(), settings)].into();
        self::settings(ClassifierSettings::Http {
            name: "remote".into(),
            url: url.clone(),
            certificate_authority: None,
            timeout_seconds: 1.0,
            labels,
        })
    };
    assert_eq!(code(&labelled(LabelSettings { class: "A9.z".into(), ..label(0.5) })), Code::ConfigurationInvalid);
    assert_eq!(code(&labelled(label(1.5))), Code::ConfigurationInvalid);
    let mut twice = labelled(label(0.5));
    twice.classifiers.extend(twice.classifiers.clone());
    assert_eq!(code(&twice), Code::ConfigurationInvalid);
    let none = settings(ClassifierSettings::Http {
        name: "remote".into(),
        url,
        certificate_authority: None,
        timeout_seconds: 1.0,
        labels: [].into(),
    });
    assert_eq!(code(&none), Code::ConfigurationInvalid);
}
