use crate::error::{Error, Result};
use crate::model_folder::{JsonFile, ModelFolder};
use minijinja::value::{Value, from_args};
use minijinja::{Environment, ErrorKind, State, context};
use std::path::PathBuf;

const TEMPLATE: &str = "chat_template";
/// Special tokens that a template may name, under the fields of `tokenizer_config.json`.
const SPECIAL_TOKENS: [&str; 4] = ["bos_token", "eos_token", "pad_token", "unk_token"];

/// The Jinja template by which a checkpoint turns messages into text, run as transformers' `apply_chat_template` runs it.
pub(super) struct ChatTemplate {
    environment: Environment<'static>,
    special_tokens: Vec<(&'static str, String)>,
    path: PathBuf,
}

impl ChatTemplate {
    /// `chat_template.jinja` of a tokenizer's folder or, where there is none, `chat_template` of its `tokenizer_config.json`.
    pub(super) fn load(folder: &ModelFolder, component: &str, config: Option<&JsonFile>) -> Result<Self> {
        let relative = format!("{component}/chat_template.jinja");
        let (path, source) = if folder.exists(&relative) {
            let path = folder.place(&relative);
            let source = String::from_utf8(folder.read(&relative)?.to_vec())
                .map_err(|error| Error::InvalidFile { path: path.clone(), detail: error.to_string() })?;
            (path, source)
        } else {
            let Some(source) = config.and_then(from_config) else {
                return Err(Error::InvalidFile {
                    path: folder.place(&relative),
                    detail: "the prompt enhancer has no chat template".into(),
                });
            };
            (folder.place(&format!("{component}/tokenizer_config.json")), source)
        };
        let special_tokens = SPECIAL_TOKENS.into_iter().filter_map(|field| Some((field, special_token(config?, field)?))).collect();
        let invalid = |error: minijinja::Error| Error::InvalidFile { path: path.clone(), detail: error.to_string() };
        Ok(Self { environment: environment(source).map_err(invalid)?, special_tokens, path })
    }

    /// The text of a conversation that consists of one user message.
    pub(super) fn render(&self, user_content: &str) -> Result<String> {
        let messages = Value::from_serialize(serde_json::json!([{ "role": "user", "content": user_content }]));
        let special_tokens: Value = self.special_tokens.iter().map(|(field, token)| (*field, token.as_str())).collect();
        let variables = context! { messages, add_generation_prompt => false, ..special_tokens };
        let render = || self.environment.get_template(TEMPLATE)?.render(variables);
        render().map_err(|error| Error::InvalidFile { path: self.path.clone(), detail: format!("{error:#}") })
    }
}

fn from_config(config: &JsonFile) -> Option<String> {
    let value = config.fields().get("chat_template")?;
    let named =
        || value.as_array()?.iter().find(|entry| entry.get("name").is_some_and(|name| name == "default"))?.get("template")?.as_str();
    value.as_str().or_else(named).map(str::to_owned)
}

fn special_token(config: &JsonFile, field: &str) -> Option<String> {
    let value = config.fields().get(field)?;
    value.as_str().or_else(|| value.get("content")?.as_str()).map(str::to_owned)
}

fn environment(source: String) -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.add_function("raise_exception", |message: String| -> Result<Value, minijinja::Error> {
        Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
    });
    // Python's spacing and escapes differ from this filter's: an error is better than other text.
    environment.remove_filter("tojson");
    environment.set_unknown_method_callback(string_method);
    environment.add_template_owned(TEMPLATE, source)?;
    Ok(environment)
}

/// The methods of Python's `str` that chat templates call.
fn string_method(_: &State<'_, '_>, value: &Value, method: &str, arguments: &[Value]) -> Result<Value, minijinja::Error> {
    let Some(text) = value.as_str() else {
        return Err(minijinja::Error::from(ErrorKind::UnknownMethod));
    };
    match method {
        "strip" | "lstrip" | "rstrip" => {
            let (characters,): (Option<&str>,) = from_args(arguments)?;
            let stripped = |character: char| characters.map_or_else(|| is_python_space(character), |set| set.contains(character));
            Ok(Value::from(match method {
                "strip" => text.trim_matches(stripped),
                "lstrip" => text.trim_start_matches(stripped),
                _ => text.trim_end_matches(stripped),
            }))
        }
        "startswith" => from_args(arguments).map(|(prefix,): (&str,)| Value::from(text.starts_with(prefix))),
        "endswith" => from_args(arguments).map(|(suffix,): (&str,)| Value::from(text.ends_with(suffix))),
        "replace" => from_args(arguments).map(|(old, new): (&str, &str)| Value::from(text.replace(old, new))),
        "split" => from_args(arguments).map(|(separator,): (&str,)| text.split(separator).map(Value::from).collect()),
        _ => Err(minijinja::Error::from(ErrorKind::UnknownMethod)),
    }
}

/// `str.isspace`, which knows four separators that Unicode's White_Space does not.
pub(super) fn is_python_space(character: char) -> bool {
    character.is_whitespace() || ('\x1c'..='\x1f').contains(&character)
}
