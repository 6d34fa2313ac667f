//! MP4: `moov.udta.meta` with the handler `mdta`, whose `keys` name AIGC and whose `ilst` holds its value (TC260-PG-20257A). Where another
//! kind of metadata occupies `udta.meta`, `moov.meta` is used, as QuickTime does.

use super::boxes::{Box, boxes, find, first, make};
use super::{Container, DAMAGED, Metadata, Obstacle, Payload, TOO_LARGE};
use crate::Finding;
use spec::FileFormat;

const KEY: &[u8] = b"AIGC";
/// Box that holds an XMP packet (Adobe XMP specification part 3).
const PACKET_ID: [u8; 16] = [0xbe, 0x7a, 0xcf, 0xcb, 0x97, 0xa9, 0x42, 0xe8, 0x9c, 0x71, 0x99, 0x94, 0x91, 0xe3, 0xaf, 0xac];
/// Boxes on one level: a fragmented film has two for every few seconds.
const BOX_LIMIT: usize = 100_000;
/// Version and flags of `meta` in MP4.
const VERSION: &[u8] = &[0; 4];
/// Type of a value in UTF-8 (QuickTime file format, well-known types).
const UTF8: [u8; 4] = [0, 0, 0, 1];

/// MP4 and QuickTime films.
pub(super) struct Mp4;

impl Container for Mp4 {
    const FORMAT: FileFormat = FileFormat::Mp4;

    fn announces(bytes: &[u8]) -> bool {
        bytes.get(4..8) == Some(b"ftyp")
    }

    fn walk<'a>(bytes: &'a [u8], metadata: &mut Metadata<'a>) -> Option<()> {
        for found in boxes(bytes, BOX_LIMIT)? {
            match &found.kind {
                b"moov" => film(found.body, metadata)?,
                b"uuid" => {
                    if let Some(packet) = found.body.strip_prefix(&PACKET_ID) {
                        metadata.add(Payload::Packet(packet));
                    }
                }
                _ => {}
            }
        }
        Some(())
    }

    fn write(bytes: &[u8], label: &str) -> Result<Vec<u8>, Obstacle> {
        let outer = boxes(bytes, BOX_LIMIT).ok_or(DAMAGED)?;
        let position = outer.iter().position(|found| &found.kind == b"moov").ok_or(DAMAGED)?;
        let (before, rest) = outer.split_at_checked(position).ok_or(DAMAGED)?;
        let (film, after) = rest.split_first().ok_or(DAMAGED)?;
        let mut written = film_with(film.body, label)?;
        let grown = written.len() as i64 - film.whole.len() as i64;
        let end: usize = before.iter().map(|found| found.whole.len()).sum::<usize>() + film.whole.len();
        if grown != 0 && !after.is_empty() {
            if outer.iter().any(|found| matches!(&found.kind, b"moof" | b"meta")) {
                return Err(Obstacle {
                    english: "a fragmented film cannot grow at its beginning",
                    chinese: "分段（fragmented）MP4 的头部不能增长",
                });
            }
            let body = written.get_mut(8..).ok_or(DAMAGED)?;
            move_chunks(body, &[b"trak", b"mdia", b"minf", b"stbl"], end as u64, grown)?;
        }
        let parts: Vec<&[u8]> =
            before.iter().map(|found| found.whole).chain([written.as_slice()]).chain(after.iter().map(|found| found.whole)).collect();
        Ok(parts.concat())
    }
}

fn film<'a>(body: &'a [u8], metadata: &mut Metadata<'a>) -> Option<()> {
    for found in boxes(body, BOX_LIMIT)? {
        match &found.kind {
            b"meta" => keyed(found.body, metadata)?,
            b"udta" => {
                for inner in children_of_user_data(found.body)? {
                    match &inner.kind {
                        b"meta" => keyed(inner.body, metadata)?,
                        b"AIGC" => metadata.add(Payload::Text(inner.body)),
                        b"XMP_" => metadata.add(Payload::Packet(inner.body)),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Some(())
}

/// QuickTime may end user data with four zero bytes.
fn children_of_user_data(body: &[u8]) -> Option<Vec<Box<'_>>> {
    boxes(body, BOX_LIMIT).or_else(|| boxes(body.strip_suffix(&[0; 4])?, BOX_LIMIT))
}

/// `meta` has version and flags in MP4 and none in QuickTime.
fn children_of_meta(body: &[u8]) -> Option<Vec<Box<'_>>> {
    body.strip_prefix(VERSION).and_then(|rest| boxes(rest, BOX_LIMIT)).or_else(|| boxes(body, BOX_LIMIT))
}

fn is_keyed(children: &[Box<'_>]) -> bool {
    // Version, flags and predefined stand before the handler's type.
    find(children, *b"hdlr").and_then(|handler| handler.body.get(8..12)) == Some(b"mdta")
}

fn keyed(body: &[u8], metadata: &mut Metadata<'_>) -> Option<()> {
    let children = children_of_meta(body)?;
    let (Some(keys), Some(items)) = (find(&children, *b"keys"), find(&children, *b"ilst")) else { return Some(()) };
    for (index, key) in key_list(keys.body)?.iter().enumerate() {
        if !names_label(key.body) {
            continue;
        }
        for item in boxes(items.body, BOX_LIMIT)?.iter().filter(|item| item_index(item) == Some(index)) {
            for data in boxes(item.body, BOX_LIMIT)?.iter().filter(|data| &data.kind == b"data") {
                let (kind, value) = (data.body.get(..4)?, data.body.get(8..)?);
                if kind != UTF8 {
                    metadata.note(Finding::ValueNotString);
                }
                metadata.add(Payload::Value(String::from_utf8_lossy(value).into_owned()));
            }
        }
    }
    Some(())
}

/// Annex E: the key contains AIGC.
fn names_label(key: &[u8]) -> bool {
    key.windows(KEY.len()).any(|window| window == KEY)
}

/// The keys, each a box whose type is its namespace.
fn key_list(body: &[u8]) -> Option<Vec<Box<'_>>> {
    boxes(body.get(8..)?, BOX_LIMIT)
}

/// Which key an item belongs to, from 0.
fn item_index(item: &Box<'_>) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(item.kind)).ok()?.checked_sub(1)
}

/// The film's box with the label in it.
fn film_with(body: &[u8], label: &str) -> Result<Vec<u8>, Obstacle> {
    let children = boxes(body, BOX_LIMIT).ok_or(DAMAGED)?;
    let own = find(&children, *b"meta").map(|meta| children_of_meta(meta.body).ok_or(DAMAGED)).transpose()?;
    let user_data = find(&children, *b"udta").map(|data| children_of_user_data(data.body).ok_or(DAMAGED)).transpose()?;
    let inner = user_data.as_deref().and_then(|data| find(data, *b"meta"));
    let inner = inner.map(|meta| children_of_meta(meta.body).ok_or(DAMAGED)).transpose()?;
    let has_label = |meta: &Option<Vec<Box<'_>>>| meta.as_deref().is_some_and(holds_label);
    let is_free = |meta: &Option<Vec<Box<'_>>>| meta.as_deref().is_none_or(is_keyed);
    let written = if !has_label(&own) && is_free(&inner) {
        let meta = meta_with(inner.as_deref(), VERSION, label)?;
        let data = replace(user_data.as_deref().unwrap_or_default(), *b"meta", &meta);
        replace(&children, *b"udta", &make(*b"udta", &data).ok_or(TOO_LARGE)?)
    } else if is_free(&own) {
        // As QuickTime has it, and phones write it into MP4 too: readers look for it without a version here.
        let version = find(&children, *b"meta").filter(|meta| meta.body.starts_with(VERSION)).map_or(&[][..], |_| VERSION);
        replace(&children, *b"meta", &meta_with(own.as_deref(), version, label)?)
    } else {
        return Err(Obstacle { english: "the film's metadata is of another kind", chinese: "视频的元数据为其他类型" });
    };
    make(*b"moov", &written).ok_or(TOO_LARGE)
}

fn holds_label(meta: &[Box<'_>]) -> bool {
    find(meta, *b"keys").and_then(|keys| key_list(keys.body)).is_some_and(|keys| keys.iter().any(|key| names_label(key.body)))
}

/// All boxes but the first of that type, which `written` replaces; at the end, where there was none.
fn replace(children: &[Box<'_>], kind: [u8; 4], written: &[u8]) -> Vec<u8> {
    let mut place = Some(written);
    let mut all = Vec::new();
    for child in children {
        all.extend_from_slice(if child.kind == kind { place.take().unwrap_or(child.whole) } else { child.whole });
    }
    all.extend_from_slice(place.unwrap_or_default());
    all
}

/// `meta` with the key's value replaced, or key and value added; the others keep their places.
fn meta_with(old: Option<&[Box<'_>]>, version: &[u8], label: &str) -> Result<Vec<u8>, Obstacle> {
    let old = old.unwrap_or_default();
    let own = make(*b"mdta", KEY).ok_or(TOO_LARGE)?;
    let mut keys = find(old, *b"keys").map(|keys| key_list(keys.body).ok_or(DAMAGED)).transpose()?.unwrap_or_default();
    let index = keys.iter().position(|key| names_label(key.body)).unwrap_or(keys.len());
    if index == keys.len() {
        keys.extend(boxes(&own, 1).unwrap_or_default());
    }
    let items = find(old, *b"ilst").map(|items| boxes(items.body, BOX_LIMIT).ok_or(DAMAGED)).transpose()?.unwrap_or_default();
    let mut values: Vec<u8> = items.iter().filter(|item| item_index(item) != Some(index)).flat_map(|item| item.whole).copied().collect();
    let data = make(*b"data", &[UTF8.as_slice(), &[0; 4], label.as_bytes()].concat()).ok_or(TOO_LARGE)?;
    let number = u32::try_from(index + 1).map_err(|_| TOO_LARGE)?;
    values.extend(make(number.to_be_bytes(), &data).ok_or(TOO_LARGE)?);
    let count = u32::try_from(keys.len()).map_err(|_| TOO_LARGE)?;
    let keys: Vec<u8> = keys.iter().flat_map(|key| key.whole).copied().collect();
    let key_box = make(*b"keys", &[&[0; 4], count.to_be_bytes().as_slice(), &keys].concat()).ok_or(TOO_LARGE)?;
    let handler = match find(old, *b"hdlr") {
        Some(handler) => handler.whole.to_vec(),
        // Version, flags, predefined, type, three reserved words, and an empty name.
        None => make(*b"hdlr", &[&[0; 8], b"mdta".as_slice(), &[0; 13]].concat()).ok_or(TOO_LARGE)?,
    };
    let rest: Vec<u8> =
        old.iter().filter(|child| !matches!(&child.kind, b"hdlr" | b"keys" | b"ilst")).flat_map(|child| child.whole).copied().collect();
    let list = make(*b"ilst", &values).ok_or(TOO_LARGE)?;
    make(*b"meta", &[version, handler.as_slice(), &key_box, &list, &rest].concat()).ok_or(TOO_LARGE)
}

/// Adds `grown` to the places of all chunks that stand behind `end`.
fn move_chunks(body: &mut [u8], path: &[&[u8; 4]], end: u64, grown: i64) -> Result<(), Obstacle> {
    let mut at = 0;
    while at < body.len() {
        let rest = body.get(at..).ok_or(DAMAGED)?;
        let found = first(rest).ok_or(DAMAGED)?;
        let (kind, length, header) = (found.kind, found.whole.len(), found.whole.len() - found.body.len());
        let inner = body.get_mut(at + header..at + length).ok_or(DAMAGED)?;
        match path.split_first() {
            Some((wanted, deeper)) if kind == **wanted => move_chunks(inner, deeper, end, grown)?,
            None if &kind == b"stco" => {
                for place in inner.get_mut(8..).ok_or(DAMAGED)?.chunks_exact_mut(4) {
                    let old = u32::from_be_bytes((&*place).try_into().map_err(|_| DAMAGED)?);
                    if u64::from(old) >= end {
                        let moved = i64::from(old).checked_add(grown).and_then(|moved| u32::try_from(moved).ok()).ok_or(TOO_LARGE)?;
                        place.copy_from_slice(&moved.to_be_bytes());
                    }
                }
            }
            None if &kind == b"co64" => {
                for place in inner.get_mut(8..).ok_or(DAMAGED)?.chunks_exact_mut(8) {
                    let old = u64::from_be_bytes((&*place).try_into().map_err(|_| DAMAGED)?);
                    if old >= end {
                        place.copy_from_slice(&old.checked_add_signed(grown).ok_or(TOO_LARGE)?.to_be_bytes());
                    }
                }
            }
            _ => {}
        }
        at += length;
    }
    Ok(())
}
