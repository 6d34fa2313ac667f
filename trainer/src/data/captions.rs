use super::composer::{ObjectSize, Scene};
use super::recipe::Captions;
use super::{Background, BackgroundKind, Concept, Dataset, PALETTE};
use crate::random::Random;

/// A caption of a scene, in Chinese or English, in one of a few natural forms.
pub fn describe(dataset: &Dataset, scene: &Scene, random: &mut Random) -> String {
    let recipe = &dataset.recipe.captions;
    let background = scene.background;
    let objects: Vec<&Concept> = scene.objects.iter().map(|index| &dataset.concepts[*index]).collect();
    // English has no number for several of what it does not count.
    let countable = !is_several(&objects) || !recipe.english_uncountable.contains(&objects[0].english);
    let english = random.uniform() < recipe.english && countable;
    let unnamed = background.colour == 0 && background.kind == BackgroundKind::Plain && random.uniform() < recipe.white_unnamed;
    let subject = match (english, objects.as_slice()) {
        (true, [object]) => english_single(recipe, object, scene, random),
        (true, objects) => english_several(recipe, objects),
        (false, [object]) => chinese_single(object, scene, random),
        (false, objects) => chinese_several(objects, random),
    };
    let mut caption = match (english, unnamed) {
        (_, true) => subject,
        (true, false) => english_background(&subject, background, random),
        (false, false) => chinese_background(&subject, background, random),
    };
    if random.uniform() < recipe.style {
        let [chinese, english_style] = &dataset.recipe.pictures.style;
        caption = if english { format!("{caption}, {english_style}") } else { format!("{caption}，{chinese}") };
    }
    caption
}

fn chinese_name<'a>(concept: &'a Concept, random: &mut Random) -> &'a str {
    // The label half of the time, any of the names otherwise.
    if random.uniform() < 0.5 { &concept.chinese[0] } else { &concept.chinese[random.below(concept.chinese.len())] }
}

/// For example `一件红色连衣裙`, `大大的苹果`.
fn chinese_single(object: &Concept, scene: &Scene, random: &mut Random) -> String {
    // With a colour the usual name: others may name a colour themselves (红玫瑰).
    let name = if scene.colour.is_some() { &object.chinese[0] } else { chinese_name(object, random) };
    let size = match scene.size {
        ObjectSize::Small => "小小的",
        ObjectSize::Usual => "",
        ObjectSize::Large => "大大的",
    };
    let of = if random.uniform() < 0.3 { "的" } else { "" };
    let colour = scene.colour.map_or(String::new(), |colour| format!("{}{of}", PALETTE[colour].chinese));
    let number = if random.uniform() < 0.5 { String::new() } else { format!("一{}", object.measure_word) };
    format!("{number}{size}{colour}{name}")
}

fn chinese_several(objects: &[&Concept], random: &mut Random) -> String {
    let name = chinese_name(objects[0], random);
    let measure_word = &objects[0].measure_word;
    match objects {
        [first, second] if first.id != second.id => format!("{name}和{}", chinese_name(second, random)),
        [_, _] => format!("两{measure_word}{name}"),
        _ => format!("三{measure_word}{name}"),
    }
}

fn is_several(objects: &[&Concept]) -> bool {
    objects.len() > 1 && objects.iter().all(|object| object.id == objects[0].id)
}

/// For example `a small red car`.
fn english_single(recipe: &Captions, object: &Concept, scene: &Scene, random: &mut Random) -> String {
    let size = match scene.size {
        ObjectSize::Small => "small ",
        ObjectSize::Usual => "",
        ObjectSize::Large => "big ",
    };
    let colour = scene.colour.map_or(String::new(), |colour| format!("{} ", PALETTE[colour].english));
    let phrase = format!("{size}{colour}{}", object.english);
    let bare = random.uniform() < 0.4 || recipe.english_uncountable.contains(&object.english);
    if bare { phrase } else { format!("{} {phrase}", article(&phrase)) }
}

fn english_several(recipe: &Captions, objects: &[&Concept]) -> String {
    let name = &objects[0].english;
    match objects {
        [first, second] if first.id != second.id => format!("{} and {}", with_article(recipe, name), with_article(recipe, &second.english)),
        [_, _] => format!("two {}", plural(recipe, name)),
        _ => format!("three {}", plural(recipe, name)),
    }
}

fn with_article(recipe: &Captions, name: &String) -> String {
    if recipe.english_uncountable.contains(name) { name.clone() } else { format!("{} {name}", article(name)) }
}

/// The plural of a name by the recipe's exceptions or the usual rules.
fn plural(recipe: &Captions, name: &str) -> String {
    if let Some(exception) = recipe.english_plurals.get(name) {
        return exception.clone();
    }
    if ["s", "x", "ch", "sh"].iter().any(|end| name.ends_with(end)) {
        return format!("{name}es");
    }
    match name.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{name}s"),
    }
}

fn article(name: &str) -> &'static str {
    if name.starts_with(['a', 'e', 'i', 'o', 'A', 'E', 'I', 'O']) { "an" } else { "a" }
}

/// The background as a caption names it, for example `红色渐变背景`.
pub fn chinese_background_name(background: Background) -> String {
    let colour = PALETTE[background.colour].chinese;
    match background.kind {
        BackgroundKind::Plain => format!("{colour}背景"),
        BackgroundKind::Gradient => format!("{colour}渐变背景"),
        BackgroundKind::Studio => format!("{colour}摄影棚背景"),
    }
}

fn chinese_background(subject: &str, background: Background, random: &mut Random) -> String {
    let name = chinese_background_name(background);
    match random.below(3) {
        0 => format!("{subject}，{name}"),
        1 => format!("{name}，{subject}"),
        _ => format!("{name}上的{subject}"),
    }
}

fn english_background(subject: &str, background: Background, random: &mut Random) -> String {
    let colour = PALETTE[background.colour].english;
    let name = match background.kind {
        BackgroundKind::Plain => format!("{colour} background"),
        BackgroundKind::Gradient => format!("{colour} gradient background"),
        BackgroundKind::Studio => format!("{colour} studio background"),
    };
    if random.uniform() < 0.5 { format!("{subject} on {} {name}", article(&name)) } else { format!("{subject}, {name}") }
}

#[cfg(test)]
mod tests {
    use super::{Captions, plural, with_article};

    #[test]
    fn english_names_take_the_forms_that_english_gives_them() {
        let captions: Captions = toml::from_str(
            "english = 1.0\nwhite_unnamed = 0.0\nstyle = 0.0\ndefault_measure_word = \"个\"\nenglish_uncountable = [\"rice\"]\n\
             [measure_words]\n[english_plurals]\n\"maple leaf\" = \"maple leaves\"",
        )
        .unwrap();
        let plurals = [
            ("fox", "foxes"),
            ("bus", "buses"),
            ("peach", "peaches"),
            ("butterfly", "butterflies"),
            ("monkey", "monkeys"),
            ("key", "keys"),
            ("car", "cars"),
            ("maple leaf", "maple leaves"),
        ];
        for (name, expected) in plurals {
            assert_eq!(plural(&captions, name), expected);
        }
        for (name, expected) in [("rice", "rice"), ("apple", "an apple"), ("car", "a car")] {
            assert_eq!(with_article(&captions, &name.to_owned()), expected);
        }
    }
}
