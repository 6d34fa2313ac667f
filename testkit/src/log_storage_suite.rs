//! What every adapter of [`LogStorage`] must do.

use spec::{Beside, LogStorage, PortError, Secret, Timestamp};

/// Runs the suite. `fresh` makes a new, empty log each time, and returns what opens handles on it.
pub fn conforms<Open: FnMut() -> Box<dyn LogStorage>>(mut fresh: impl FnMut() -> Open) {
    keeps_leaves(fresh()).expect("leaves are kept");
    keeps_secrets(fresh()).expect("secrets are kept");
}

fn text_of<T>(outcome: Result<T, PortError>) -> String {
    outcome.err().map(|error| error.to_string()).unwrap_or_default()
}

fn keeps_leaves(mut open: impl FnMut() -> Box<dyn LogStorage>) -> Result<(), PortError> {
    let mut log = open();
    assert_eq!((log.length()?, log.leaf(0)?, log.find("a")?, log.head()?), (0, None, None, None));
    assert_eq!(log.leaf(u64::MAX)?, None);

    log.append(0, "a", &[], b"first", Beside::default())?;
    log.append(1, "b", &["shared".into(), "own".into()], b"", Beside::default())?;
    log.append(2, "丙", &["shared".into(), "shared".into()], &[0, 255, 10], Beside::default())?;
    assert_eq!(log.length()?, 3);
    assert_eq!(log.leaf(0)?.as_deref(), Some(&b"first"[..]));
    assert_eq!(log.leaf(1)?.as_deref(), Some(&b""[..]));
    assert_eq!(log.leaf(2)?.as_deref(), Some(&[0, 255, 10][..]));
    assert_eq!(log.leaf(3)?, None);
    assert_eq!((log.find("丙")?, log.find("A")?), (Some(2), None));
    assert_eq!((log.find_tagged("shared")?, log.find_tagged("own")?, log.find_tagged("a")?), (Some(2), Some(1), None));

    let before = |index| log.find_tagged_before("shared", index);
    assert_eq!((before(u64::MAX)?, before(2)?, before(1)?), (Some(2), Some(1), None));

    assert_eq!((log.key(2)?.as_deref(), log.key(3)?, log.key(u64::MAX)?), (Some("丙"), None, None));
    let (mut shown, mut tags) = (Vec::new(), Vec::new());
    log.visit_leaves(1, &mut |index, leaf| {
        shown.push((index, leaf.len()));
        true
    })?;
    log.visit_leaves(0, &mut |index, _| {
        shown.push((index, 0));
        false
    })?;
    assert_eq!(shown, [(1, 0), (2, 3), (0, 0)], "from a leaf on, and no further than was asked");
    log.visit_tags(&mut |tag, index| tags.push((tag.to_owned(), index)))?;
    tags.sort();
    assert_eq!(tags, [("own".to_owned(), 1), ("shared".to_owned(), 1), ("shared".to_owned(), 2)], "each once");
    assert_eq!((log.faults()?, log.restored()), (Vec::new(), &[][..]));

    for wrong in [0, 2, 4, u64::MAX] {
        let text = text_of(log.append(wrong, "c", &["lost".into()], b"x", Beside::default()));
        assert!(text.contains(&wrong.to_string()) && text.contains('3'), "{text}");
    }
    let text = text_of(log.append(3, "b", &[], b"x", Beside::default()));
    assert!(text.contains("key b"), "{text}");
    assert_eq!((log.length()?, log.find_tagged("lost")?), (3, None), "a refused leaf left a trace");

    log.set_head("one")?;
    log.set_head("two\n第二\n")?;
    assert_eq!(log.head()?.as_deref(), Some("two\n第二\n"));

    let mut other = open();
    assert_eq!((other.length()?, other.head()?.as_deref()), (3, Some("two\n第二\n")));
    other.append(3, "d", &[], b"fourth", Beside::default())?;
    assert_eq!((log.length()?, log.find("d")?), (4, Some(3)));
    assert!(log.append(3, "e", &[], b"late", Beside::default()).is_err(), "two handles both took index 3");
    log.append(4, "e", &[], b"fifth", Beside::default())?;
    drop((log, other));
    assert_eq!(open().length()?, 5);
    Ok(())
}

/// Secrets of long ago, whose terms are over by the machine's clock too.
fn keeps_secrets(mut open: impl FnMut() -> Box<dyn LogStorage>) -> Result<(), PortError> {
    let secret = |number: u8, time, keep_until| Secret {
        id: [number; 16],
        time: Timestamp(time),
        keep_until: Timestamp(keep_until),
        content: vec![number; 3],
    };
    let mut log = open();
    assert_eq!((log.secret([1; 16])?, log.secrets_before(Timestamp(u64::MAX))?), (None, (0, None)));
    for kept in [secret(1, 10, 100), secret(2, 20, 300), secret(3, 30, 200)] {
        assert!(log.keep_secret(&kept)?);
    }
    assert!(!log.keep_secret(&Secret { content: vec![9], ..secret(1, 99, 999) })?, "the id is taken");
    assert_eq!(open().secret([1; 16])?, Some(vec![1; 3]));

    let mut shown = Vec::new();
    log.visit_secrets(&mut |secret| shown.push(secret.clone()))?;
    shown.sort_by_key(|secret| secret.id);
    assert_eq!(shown, [secret(1, 10, 100), secret(2, 20, 300), secret(3, 30, 200)]);

    let fourth = secret(4, 40, 400);
    log.append(0, "a", &[], b"leaf", Beside { secret: Some(&fourth), head: Some("one") })?;
    assert_eq!((open().secret([4; 16])?, open().head()?.as_deref()), (Some(vec![4; 3]), Some("one")));
    let text = text_of(log.append(1, "b", &["lost".into()], b"leaf", Beside { secret: Some(&fourth), head: Some("two") }));
    assert!(text.contains("secret with that id"), "{text}");
    assert!(log.append(1, "a", &[], b"leaf", Beside { secret: Some(&secret(5, 50, 500)), head: Some("two") }).is_err(), "the key is taken");
    let left = (log.length()?, log.find_tagged("lost")?, log.secret([5; 16])?, log.head()?);
    assert_eq!(left, (1, None, None, Some("one".to_owned())), "a refused leaf left a trace");
    assert_eq!((log.secrets_before(Timestamp(30))?, log.secrets_before(Timestamp(10))?), ((2, Some(Timestamp(300))), (0, None)));
    assert_eq!(log.remove_secrets(Timestamp(30), Timestamp(99))?, 0, "inside their terms");
    assert_eq!(log.remove_secrets(Timestamp(30), Timestamp(100))?, 1);
    assert_eq!(log.remove_secrets(Timestamp(u64::MAX), Timestamp(u64::MAX))?, 3);
    assert_eq!((log.secret([1; 16])?, open().secret([3; 16])?), (None, None));
    Ok(())
}
