//! Versions 1 and 2: requests are one flat object, which holds pictures alone. Version 1 is version 2 with fewer kinds of records and
//! without personal fields. Nothing here changes any more.

use crate::{
    Application, Approval, Copied, Decision, Delivery, Entry, Produced, Record, Refused, Sealed, Shredding, Suspension, Version, Withheld,
};
use serde::ser::Error as _;
use serde::{Deserialize, Serialize};
use spec::{
    Asked, FileFormat, ModelIdentity, PictureRequest, ProduceId, Request, Run, RunPrecision, Screening, Sha256Digest, Speed, Texts,
    Timestamp, Verdict,
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LeafV2 {
    version: Version,
    index: u64,
    time: Timestamp,
    record: RecordV2,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    personal: Option<Sealed>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum RecordV2 {
    Produced(Box<ProducedV2>),
    Refused(RefusedV2),
    Relabelled(Box<Copied>),
    Withheld(Box<WithheldV2>),
    Stopped(Decision),
    Resumed(Decision),
    Suspended(Suspension),
    Lifted(Decision),
    Applied(Application),
    Approved(Approval),
    Delivered(DeliveryV2),
    Shredded(Shredding),
}

#[derive(Serialize, Deserialize)]
struct ProducedV2 {
    produce_id: ProduceId,
    release_name: String,
    content_sha256: Sha256Digest,
    byte_length: u64,
    format: FileFormat,
    explicit_label: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    watermarked: bool,
    seed: u64,
    model: ModelIdentity,
    request: FlatRequest,
    verdict: Verdict,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    screening: Option<Screening>,
}

#[derive(Serialize, Deserialize)]
struct RefusedV2 {
    request: FlatRequest,
    verdict: Verdict,
}

#[derive(Serialize, Deserialize)]
struct WithheldV2 {
    seed: u64,
    model: ModelIdentity,
    request: FlatRequest,
    verdict: Verdict,
    screening: Screening,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    strike: bool,
}

#[derive(Serialize, Deserialize)]
struct DeliveryV2 {
    application: u64,
    approval: u64,
    copy_of: ProduceId,
    picture: Box<ProducedV2>,
}

#[derive(Serialize, Deserialize)]
struct FlatRequest {
    prompt: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    original_prompt: Option<String>,
    negative_prompt: String,
    model: String,
    width: u32,
    height: u32,
    num_inference_steps: u32,
    guidance_scale: f32,
    seed: u64,
    count: u32,
    dtype: RunPrecision,
    #[serde(default, skip_serializing_if = "is_exact")]
    speed: Speed,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    guidance_interval: Option<[f32; 2]>,
    format: FileFormat,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_exact(speed: &Speed) -> bool {
    *speed == Speed::Exact
}

pub fn read(leaf: &[u8]) -> Option<Entry> {
    let LeafV2 { version, index, time, record, personal } = serde_json::from_slice(leaf).ok()?;
    Some(Entry { version, index, time, record: record.into(), personal })
}

/// An error for what these versions cannot hold: another kind of work than pictures.
pub fn write(entry: &Entry) -> serde_json::Result<Vec<u8>> {
    let Entry { version, index, time, record, personal } = entry.clone();
    let unwritable = || serde_json::Error::custom("versions 1 and 2 hold pictures alone / 版本 1、2 只能记录图片");
    let record = RecordV2::of(record).ok_or_else(unwritable)?;
    serde_json::to_vec(&LeafV2 { version, index, time, record, personal })
}

impl RecordV2 {
    fn of(record: Record) -> Option<Self> {
        Some(match record {
            Record::Produced(produced) => Self::Produced(Box::new(ProducedV2::of(*produced)?)),
            Record::Refused(Refused { request, verdict }) => Self::Refused(RefusedV2 { request: FlatRequest::of(request)?, verdict }),
            Record::Relabelled(copied) => Self::Relabelled(copied),
            Record::Withheld(withheld) => {
                let Withheld { seed, model, request, verdict, screening, strike } = *withheld;
                let request = FlatRequest::of(request)?;
                Self::Withheld(Box::new(WithheldV2 { seed, model, request, verdict, screening, strike }))
            }
            Record::Stopped(decision) => Self::Stopped(decision),
            Record::Resumed(decision) => Self::Resumed(decision),
            Record::Suspended(suspension) => Self::Suspended(suspension),
            Record::Lifted(decision) => Self::Lifted(decision),
            Record::Applied(application) => Self::Applied(application),
            Record::Approved(approval) => Self::Approved(approval),
            Record::Delivered(Delivery { application, approval, copy_of, picture }) => {
                Self::Delivered(DeliveryV2 { application, approval, copy_of, picture: Box::new(ProducedV2::of(*picture)?) })
            }
            Record::Shredded(shredding) => Self::Shredded(shredding),
        })
    }
}

impl From<RecordV2> for Record {
    fn from(record: RecordV2) -> Self {
        match record {
            RecordV2::Produced(produced) => Self::Produced(Box::new((*produced).into())),
            RecordV2::Refused(RefusedV2 { request, verdict }) => Self::Refused(Refused { request: request.into(), verdict }),
            RecordV2::Relabelled(copied) => Self::Relabelled(copied),
            RecordV2::Withheld(withheld) => {
                let WithheldV2 { seed, model, request, verdict, screening, strike } = *withheld;
                Self::Withheld(Box::new(Withheld { seed, model, request: request.into(), verdict, screening, strike }))
            }
            RecordV2::Stopped(decision) => Self::Stopped(decision),
            RecordV2::Resumed(decision) => Self::Resumed(decision),
            RecordV2::Suspended(suspension) => Self::Suspended(suspension),
            RecordV2::Lifted(decision) => Self::Lifted(decision),
            RecordV2::Applied(application) => Self::Applied(application),
            RecordV2::Approved(approval) => Self::Approved(approval),
            RecordV2::Delivered(DeliveryV2 { application, approval, copy_of, picture }) => {
                Self::Delivered(Delivery { application, approval, copy_of, picture: Box::new((*picture).into()) })
            }
            RecordV2::Shredded(shredding) => Self::Shredded(shredding),
        }
    }
}

impl ProducedV2 {
    fn of(produced: Produced) -> Option<Self> {
        Some(Self {
            produce_id: produced.produce_id,
            release_name: produced.release_name,
            content_sha256: produced.content_sha256,
            byte_length: produced.byte_length,
            format: produced.format,
            explicit_label: produced.explicit_label,
            watermarked: produced.watermarked,
            seed: produced.seed,
            model: produced.model,
            request: FlatRequest::of(produced.request)?,
            verdict: produced.verdict,
            screening: produced.screening,
        })
    }
}

impl From<ProducedV2> for Produced {
    fn from(produced: ProducedV2) -> Self {
        Self {
            produce_id: produced.produce_id,
            release_name: produced.release_name,
            content_sha256: produced.content_sha256,
            byte_length: produced.byte_length,
            format: produced.format,
            explicit_label: produced.explicit_label,
            watermarked: produced.watermarked,
            seed: produced.seed,
            model: produced.model,
            request: produced.request.into(),
            verdict: produced.verdict,
            screening: produced.screening,
        }
    }
}

impl FlatRequest {
    fn of(request: Request) -> Option<Self> {
        let Request { model, texts, seed, count, run, asked: Asked::Picture(picture) } = request else { return None };
        Some(Self {
            prompt: texts.prompt,
            original_prompt: texts.original_prompt,
            negative_prompt: texts.negative_prompt,
            model,
            width: picture.width,
            height: picture.height,
            num_inference_steps: picture.num_inference_steps,
            guidance_scale: picture.guidance_scale,
            seed,
            count,
            dtype: run.dtype,
            speed: run.speed,
            guidance_interval: picture.guidance_interval,
            format: picture.format,
        })
    }
}

impl From<FlatRequest> for Request {
    fn from(flat: FlatRequest) -> Self {
        let FlatRequest { prompt, original_prompt, negative_prompt, model, seed, count, dtype, speed, .. } = flat;
        Self {
            model,
            texts: Texts { prompt, original_prompt, negative_prompt },
            seed,
            count,
            run: Run { dtype, speed },
            asked: Asked::Picture(PictureRequest {
                width: flat.width,
                height: flat.height,
                num_inference_steps: flat.num_inference_steps,
                guidance_scale: flat.guidance_scale,
                guidance_interval: flat.guidance_interval,
                format: flat.format,
            }),
        }
    }
}
