/// The operating system's name for whoever runs this, where nobody says otherwise.
pub fn system_user() -> String {
    let name = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|variable| std::env::var(variable).ok());
    name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| "local".to_owned())
}
