use crate::failure::Failure;
use pipeline::Names;
use spec::{Code, FileFormat, KindOfWork};
use std::path::{Path, PathBuf};

/// Folder of files and ledger when `--out` is not given.
const DEFAULT_FOLDER: &str = "danqing-out";

/// Where artifacts go.
pub struct Target {
    pub folder: PathBuf,
    pub names: Names,
    pub format: FileFormat,
}

impl Target {
    /// From `--out` and `--format`: a folder, or the file of one artifact. A name whose ending is some format's is a file's, so one that this
    /// kind of work is not written in is an error, and never a folder.
    pub fn choose(kind: KindOfWork, out: Option<&Path>, format: Option<FileFormat>, count: u32) -> Result<Self, Failure> {
        let invalid = |message: String| Failure::new(Code::InvalidRequest, message);
        let usual = kind.formats().first().copied().unwrap_or(FileFormat::Png);
        let folder = |folder: &Path| Self { folder: folder.to_owned(), names: Names::ByProduceId, format: format.unwrap_or(usual) };
        let Some(out) = out else { return Ok(folder(Path::new(DEFAULT_FOLDER))) };
        if out == Path::new("-") {
            return Err(invalid(
                "--out - would lose label and record: name a file or a folder / 不支持输出到标准输出，请指定文件或文件夹".into(),
            ));
        }
        let ending = out.extension().and_then(|ending| ending.to_str());
        let Some(ending) = ending.filter(|ending| !out.is_dir() && FileFormat::from_extension(ending).is_some()) else {
            return Ok(folder(out));
        };
        let of_name = kind.format(ending).map_err(|error| invalid(format!("--out: {error}")))?;
        if count > 1 {
            return Err(invalid("--count above 1 needs a folder for --out / 多个文件时 --out 应为文件夹".into()));
        }
        let name = out.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| invalid("--out is not a valid file name / --out 不是有效的文件名".into()))?;
        if format.is_some_and(|format| format != of_name) {
            let format = format.unwrap_or(of_name);
            return Err(invalid(format!(
                "--out ends in another format than --format {format} / --out 的扩展名与 --format {format} 不一致"
            )));
        }
        let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(Self { folder: folder.to_owned(), names: Names::Given(name.to_owned()), format: of_name })
    }
}
