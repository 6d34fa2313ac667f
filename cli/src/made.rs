use installation::FirstUse;

/// Says which keys, and which ledger that could be published by mistake, were made just now.
pub fn tell_made(first_use: &mut FirstUse) {
    for made in first_use.made() {
        crate::notes::note(made);
    }
}
