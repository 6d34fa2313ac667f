//! Where the members of a JSON object stand in its text, so that one can be replaced and the rest keeps its bytes.

use std::ops::Range;

/// A member's key, unescaped, and where its value stands.
struct Member {
    key: String,
    value: Range<usize>,
}

/// The members of the object that `text` is. The text must have been read as JSON before; nothing where it is no object.
fn members(text: &str) -> Option<Vec<Member>> {
    let bytes = text.as_bytes();
    let mut at = skip_space(bytes, 0);
    if bytes.get(at) != Some(&b'{') {
        return None;
    }
    let mut found = Vec::new();
    at = skip_space(bytes, at + 1);
    while bytes.get(at) == Some(&b'"') {
        let end = end_of_value(bytes, at)?;
        let key = serde_json::from_str(text.get(at..end)?).ok()?;
        at = skip_space(bytes, end);
        if bytes.get(at) != Some(&b':') {
            return None;
        }
        let start = skip_space(bytes, at + 1);
        let end = end_of_value(bytes, start)?;
        found.push(Member { key, value: start..end });
        at = skip_space(bytes, end);
        match bytes.get(at)? {
            b',' => at = skip_space(bytes, at + 1),
            b'}' => return Some(found),
            _ => return None,
        }
    }
    (bytes.get(at) == Some(&b'}')).then_some(found)
}

/// `text` with the members in `changes` replaced, or added at the end.
pub(super) fn with_members(text: &str, changes: &[(&str, String)]) -> Option<String> {
    let members = members(text)?;
    let mut pieces: Vec<(Range<usize>, String)> = Vec::new();
    let close = text.rfind('}')?;
    let mut is_empty = members.is_empty();
    for (key, value) in changes {
        if let Some(member) = members.iter().find(|member| member.key == *key) {
            pieces.push((member.value.clone(), value.clone()));
        } else {
            let comma = if is_empty { "" } else { "," };
            pieces.push((close..close, format!("{comma}{}:{value}", serde_json::Value::from(*key))));
            is_empty = false;
        }
    }
    // Stable: members added at the end keep their order.
    pieces.sort_by_key(|(range, _)| range.start);
    let (mut written, mut at) = (String::new(), 0);
    for (range, value) in pieces {
        written.push_str(text.get(at..range.start)?);
        written.push_str(&value);
        at = range.end;
    }
    written.push_str(text.get(at..)?);
    Some(written)
}

fn skip_space(bytes: &[u8], at: usize) -> usize {
    let space = bytes.get(at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    at + space
}

fn end_of_value(bytes: &[u8], start: usize) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, start);
    loop {
        match bytes.get(at)? {
            b'"' => {
                at += 1;
                while *bytes.get(at)? != b'"' {
                    at += if bytes.get(at) == Some(&b'\\') { 2 } else { 1 };
                }
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                // The end of a bare value in the object around it.
                if depth == 0 {
                    return Some(at);
                }
                depth -= 1;
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            b',' if depth == 0 => return Some(at),
            byte if depth == 0 && byte.is_ascii_whitespace() => return Some(at),
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{members, with_members};

    #[test]
    fn one_member_changes_and_the_rest_keeps_its_bytes() {
        let text = "{ \"a\" : 1.50e0 ,\"b,}\":{\"x\":[1,\"}\\\"\"]}, \"c\":true }";
        let found: Vec<(String, &str)> = members(text).unwrap().into_iter().map(|m| (m.key, &text[m.value])).collect();
        let wanted = [("a", "1.50e0"), ("b,}", "{\"x\":[1,\"}\\\"\"]}"), ("c", "true")].map(|(key, value)| (key.to_owned(), value));
        assert_eq!(found, wanted);
        let changed = with_members(text, &[("c", "[]".to_owned()), ("d", "2".to_owned())]).unwrap();
        assert_eq!(changed, "{ \"a\" : 1.50e0 ,\"b,}\":{\"x\":[1,\"}\\\"\"]}, \"c\":[] ,\"d\":2}");
        assert_eq!(with_members("{}", &[("d", "2".to_owned()), ("e", "3".to_owned())]).unwrap(), "{\"d\":2,\"e\":3}");
        for text in ["", "[]", "{", "{\"a\"", "{\"a\":", "{\"a\":\"", "{\"a\":[", "1"] {
            assert!(members(text).is_none(), "{text}");
        }
    }
}
