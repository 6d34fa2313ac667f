use crate::Result;
use engine::classifiers::ImageClassifier;
use engine::model_folder::ModelFolder;
use policy::Answer;
use spec::Picture;

/// A classifier that runs on the engine.
pub struct LocalClassifier {
    name: String,
    version: String,
    model: ImageClassifier,
}

impl LocalClassifier {
    pub fn open(name: &str, folder: &ModelFolder) -> Result<Self> {
        let model = ImageClassifier::open(folder)?;
        Ok(Self { name: name.to_owned(), version: format!("sha256:{}", model.sha256()), model })
    }

    pub fn labels(&self) -> &[String] {
        self.model.labels()
    }
}

impl policy::ImageClassifier for LocalClassifier {
    fn name(&self) -> &str {
        &self.name
    }

    fn look(&self, picture: &Picture) -> Result<Answer, String> {
        let probabilities = self.model.probabilities(picture).map_err(|error| error.to_string())?;
        let scores = self.model.labels().iter().cloned().zip(probabilities).collect();
        Ok(Answer { version: self.version.clone(), scores })
    }
}
