/// One document of the bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Folder inside the bundle; empty for the cover.
    pub folder: &'static str,
    /// File name without ending.
    pub name: &'static str,
    /// Title, in Chinese.
    pub title: String,
    /// What it says.
    pub blocks: Vec<Block>,
}

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A heading.
    Heading(String),
    /// A paragraph.
    Text(String),
    /// A form: item, content, record or clause.
    Form(Vec<Row>),
    /// A table of values, all from one record that the paragraph before it names.
    Table {
        /// Column titles.
        header: Vec<String>,
        /// Cells.
        rows: Vec<Vec<String>>,
    },
}

/// A line of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What is asked for.
    pub item: String,
    /// What it is answered with.
    pub content: Content,
    /// The clause that asks for it.
    pub clause: String,
}

/// An answer, or the lack of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A value.
    Filled {
        /// The value.
        text: String,
        /// The record that it was read from.
        record: String,
    },
    /// Nobody supplied it.
    Gap {
        /// Where to supply it: a key of the subject file, or a command.
        supply: String,
    },
}

/// What marks a gap in the text.
pub const GAP: &str = "【待补】";

impl Content {
    pub(crate) fn filled(text: impl Into<String>, record: impl Into<String>) -> Self {
        Self::Filled { text: text.into(), record: record.into() }
    }

    pub(crate) fn gap(supply: impl Into<String>) -> Self {
        Self::Gap { supply: supply.into() }
    }
}

impl Row {
    pub(crate) fn new(item: impl Into<String>, content: Content, clause: impl Into<String>) -> Self {
        Self { item: item.into(), content, clause: clause.into() }
    }

    /// Cells of the form: item, content, record or how to supply it.
    pub(crate) fn cells(&self) -> [String; 3] {
        match &self.content {
            Content::Filled { text, record } => [self.item.clone(), text.clone(), format!("{}｜{record}", self.clause)],
            Content::Gap { supply } => [self.item.clone(), GAP.to_owned(), format!("{}｜补充方式：{supply}", self.clause)],
        }
    }
}

/// Column titles of a form.
pub(crate) const FORM_HEADER: [&str; 3] = ["项目", "内容", "条款｜所据记录"];

impl Document {
    pub(crate) fn new(folder: &'static str, name: &'static str, title: impl Into<String>) -> Self {
        Self { folder, name, title: title.into(), blocks: Vec::new() }
    }

    pub(crate) fn heading(mut self, text: impl Into<String>) -> Self {
        self.blocks.push(Block::Heading(text.into()));
        self
    }

    pub(crate) fn text(mut self, text: impl Into<String>) -> Self {
        self.blocks.push(Block::Text(text.into()));
        self
    }

    pub(crate) fn form(mut self, rows: impl IntoIterator<Item = Row>) -> Self {
        self.blocks.push(Block::Form(rows.into_iter().collect()));
        self
    }

    pub(crate) fn table(mut self, header: &[&str], rows: Vec<Vec<String>>) -> Self {
        let header = header.iter().map(|&title| title.to_owned()).collect();
        self.blocks.push(Block::Table { header, rows });
        self
    }

    /// Its gaps.
    pub fn gaps(&self) -> impl Iterator<Item = &Row> {
        let forms = self.blocks.iter().filter_map(|block| match block {
            Block::Form(rows) => Some(rows),
            _ => None,
        });
        forms.flatten().filter(|row| matches!(row.content, Content::Gap { .. }))
    }
}
