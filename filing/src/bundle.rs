use crate::documents::{self, keywords_csv};
use crate::docx::docx;
use crate::markdown::markdown;
use crate::observations::of_documents;
use crate::{Content, Document, Error, Observation, Records};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Files, relative to the bundle's folder.
    pub files: Vec<String>,
    /// What [`crate::check`] says of the same records.
    pub observations: Vec<Observation>,
}

/// Writes all documents into `out`, which must not exist (or be an empty folder): the whole folder or nothing.
pub fn build(records: &Records, out: &Path) -> Result<Bundle, Error> {
    let failed = |source| Error::Io { path: out.to_owned(), source };
    if out.exists() && fs::read_dir(out).map_err(failed)?.next().is_some() {
        return Err(Error::OutputExists { path: out.to_owned() });
    }
    let parent = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(failed)?;
    let staging = tempfile::Builder::new().prefix(".danqing-filing-").tempdir_in(parent).map_err(failed)?;
    let mut documents = documents::all(records);
    let observations = of_documents(records, &documents);
    documents.insert(0, documents::cover(records, &documents, &observations));
    let mut bundle = Bundle { files: Vec::new(), observations };
    let mut write = |name: String, bytes: &[u8]| -> std::io::Result<()> {
        let path = staging.path().join(&name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = fs::File::create(path)?;
        std::io::Write::write_all(&mut file, bytes)?;
        file.sync_all()?;
        bundle.files.push(name);
        Ok(())
    };
    for document in &documents {
        let stem = document.place();
        write(format!("{stem}.md"), markdown(document).as_bytes()).map_err(failed)?;
        write(format!("{stem}.docx"), &docx(document).map_err(failed)?).map_err(failed)?;
    }
    write("2-生成式人工智能服务备案/拦截关键词.csv".to_owned(), keywords_csv(records).as_bytes()).map_err(failed)?;
    write("records.json".to_owned(), format!("{:#}\n", sources(records, &documents)).as_bytes()).map_err(failed)?;
    let staged = staging.keep();
    // Renaming onto an empty folder replaces it.
    fs::rename(&staged, out).map_err(|source| {
        let _ = fs::remove_dir_all(&staged);
        failed(source)
    })?;
    Ok(bundle)
}

/// Every line of every form, for machines: value, marks and record, or gap and how to supply it.
fn sources(records: &Records, documents: &[Document]) -> Value {
    let rows = documents.iter().skip(1).flat_map(|document| {
        let place = document.place();
        let answers = document.rows().flat_map(|row| row.answers().map(|(item, content)| (item, content, &row.clause)));
        answers.map(move |(item, content, clause)| match content {
            Content::Filled { text, record, key, marks } => {
                let marks: Vec<&str> = marks.iter().map(|mark| mark.text()).collect();
                json!({"document": place, "item": item, "clause": clause, "value": text, "record": record, "key": key, "marks": marks})
            }
            Content::Gap { id, supply } => json!({"document": place, "item": item, "clause": clause, "gap": supply, "id": id}),
        })
    });
    json!({"format": "danqing.filing.v1", "date": records.today, "model": records.model.identity, "rows": rows.collect::<Vec<_>>()})
}
