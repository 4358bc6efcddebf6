//! Texts in the languages of the world, in the fonts that the tests' machine has installed (`assets/run/packages`).

use kiosk_splash::{Fonts, Image, Progress, Style, View, compose};

/// A style that has the fonts for `text`.
fn style(text: &str, language: &str) -> Style {
    let (fonts, wrong) = Fonts::default().find(text, language);
    assert_eq!(wrong, None);
    Style { fonts, ..Style::default() }
}

/// Of a text that are shown at all.
const MAX_CHARACTERS: usize = 4_000;

fn picture(text: &str, style: &Style) -> Image {
    let view = View::Message { title: String::new(), text: text.into() };
    compose(&view, style, 1280, 800, 1.0).pieces.remove(0).image
}

fn ink(image: &Image) -> usize {
    image.data.chunks_exact(4).filter(|pixel| pixel[3] > 60).count()
}

#[test]
fn a_text_in_the_built_in_face_needs_no_other() {
    let fonts = Fonts::default();
    assert!(!fonts.lacks("Bitte warten… Ελλάδα Привет „100 %“ → 5 €\n\u{200d}\u{fe0f}\u{1b}"));
    for text in ["日", "שלום", "😀", "สวัสดี"] {
        assert!(fonts.lacks(text), "{text}");
    }
}

#[test]
fn what_no_font_has_is_looked_for_once() {
    let text = "a\u{e000}\u{10fffd}";
    let (fonts, _) = Fonts::default().find(text, "en");
    assert!(!fonts.lacks(text) && fonts.lacks("日"));
    assert!(ink(&picture(text, &Style { fonts, ..Style::default() })) > 30);
}

#[test]
fn letters_of_the_world_are_drawn_and_are_no_boxes() {
    for text in ["日本語", "请稍候", "잠시만", "مرحبا", "שלום", "नमस्ते", "สวัสดี", "გამარჯობა", "Ⴀ", "✓日"]
    {
        let style = style(text, "en");
        let (drawn, boxes) = (picture(text, &style), picture(text, &Style::default()));
        assert!(ink(&drawn) > 60, "{text} leaves no mark");
        assert_ne!(drawn, boxes, "{text} is boxes");
        // Where a character has no face, its box is as wide as all boxes.
        let twice = picture(&format!("{text}{text}"), &style);
        assert!(twice.width > drawn.width);
    }
}

#[test]
fn emoji_are_coloured_and_joined_ones_are_one() {
    let style = style("😀 👩\u{200d}🔧", "en");
    let of = |text: &str| picture(text, &style);
    let coloured = |image: &Image| {
        image
            .data
            .chunks_exact(4)
            .filter(|p| p[3] == 255 && p[..3].iter().max().unwrap() - p[..3].iter().min().unwrap() > 60)
            .count()
    };
    assert!(coloured(&of("😀")) > 50, "no colours");
    assert_eq!(coloured(&of("a")), 0);
    let (joined, apart) = (of("👩\u{200d}🔧"), of("👩🔧"));
    assert!(joined.width * 3 < apart.width * 2, "{} against {}", joined.width, apart.width);
}

#[test]
fn arabic_letters_join_and_run_from_right_to_left() {
    let style = style("مرحبا", "ar");
    let width = |text: &str| picture(text, &style).width;
    // Alone, each letter has its full form; in a word it is joined, and shorter.
    let apart: u32 = "مرحبا".chars().map(|letter| width(&letter.to_string())).sum();
    assert!(width("مرحبا") * 10 < apart * 9, "{} against {apart}", width("مرحبا"));
    // An alef is an upright stroke, a seen is low: read first, the alef is at the right.
    let top = |image: &Image, columns: std::ops::Range<u32>| {
        let inked = |y: &u32| columns.clone().any(|x| image.data[(y * image.width + x) as usize * 4 + 3] > 60);
        (0..image.height).find(inked).unwrap_or(image.height)
    };
    let halves = |text: &str| {
        let image = picture(text, &style);
        (top(&image, 0..image.width / 2), top(&image, image.width / 2..image.width))
    };
    let ((left, right), (other_left, other_right)) = (halves("اس"), halves("سا"));
    assert!(right < left && other_left < other_right, "{left} {right} {other_left} {other_right}");
}

#[test]
fn latin_and_arabic_in_one_line_keep_their_own_direction() {
    let text = "ABC مرحبا DEF";
    let style = style(text, "en");
    let row = |text: &str| picture(text, &style).width;
    assert!(row(text) > row("ABC") + row("مرحبا") && row(text) < row("ABC") + row("مرحبا") + row("DEF") + 60);
}

#[test]
fn chinese_is_broken_between_any_characters() {
    let text = "请稍候设备正在启动".repeat(30);
    let style = style(&text, "zh");
    let view = View::Message { title: String::new(), text };
    let scene = compose(&view, &style, 800, 480, 1.0);
    let Image { width, height, .. } = scene.pieces[0].image;
    assert!(width > 300 && width <= 720 && height > 100, "{width} × {height}");
}

#[test]
fn a_configured_font_is_used_for_all_texts_and_a_wrong_one_is_one_sentence() {
    let requested = |requested: &str| Fonts::new(Some(requested.into()));
    assert!(requested("DejaVu Serif").lacks("a") && !requested("DejaVu Serif").lacks(" \n"));
    let (serif, wrong) = requested("dejavu serif").find("a", "en");
    assert_eq!(wrong, None);
    assert!(!serif.lacks("abc"));
    let serif = picture("Kiosk", &Style { fonts: serif, ..Style::default() });
    assert_ne!(serif, picture("Kiosk", &Style::default()));
    let (file, wrong) = requested("/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf").find("a", "en");
    assert_eq!(wrong, None);
    assert_eq!(picture("Kiosk", &Style { fonts: file, ..Style::default() }), serif);
    for (name, said) in [
        ("No Such Family", "no font called \"No Such Family\" is installed"),
        ("/etc/hostname", "/etc/hostname is no font"),
        ("/none.ttf", "/none.ttf is no font"),
    ] {
        let (fonts, wrong) = requested(name).find("a", "en");
        assert!(wrong.unwrap().to_string().contains(said));
        assert!(!fonts.lacks("abc"), "it is looked for once");
        assert_eq!(fonts.find("日", "en").1, None, "and told once");
        assert_eq!(picture("Kiosk", &Style { fonts, ..Style::default() }), picture("Kiosk", &Style::default()));
    }
}

#[test]
fn five_scripts_at_once_and_a_megabyte_of_them_cost_what_the_first_letters_do() {
    let text = "Grüße 你好 مرحبا नमस्ते 👩\u{200d}🔧\u{202e} e\u{301}\u{301} ".repeat(20_000);
    let first: String = text.chars().take(2 * MAX_CHARACTERS).collect();
    let style = style(&first, "en");
    let pictures = |text: &str| {
        let view = View::Message { title: text.into(), text: text.into() };
        let scene = compose(&view, &style, 800, 480, 1.0);
        scene.pieces.into_iter().map(|piece| piece.image).collect::<Vec<_>>()
    };
    let of_all = pictures(&text);
    assert_eq!(of_all.len(), 2);
    // What comes behind is never looked at.
    assert_eq!(of_all, pictures(&first));
}

#[test]
fn a_damaged_font_costs_its_letters_and_never_the_screen() {
    let directory = tempfile::tempdir().unwrap();
    let sound = std::fs::read("/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf").unwrap();
    let view = View::Splash { message: Some("Kiosk 日".into()), progress: Progress::None };
    for step in 0..40 {
        let mut bytes = sound.clone();
        let at = sound.len() * step / 40;
        bytes[at..].iter_mut().take(2_000).for_each(|byte| *byte = byte.wrapping_mul(31).wrapping_add(step as u8));
        if step % 4 == 0 {
            bytes.truncate(at + 100);
        }
        let path = directory.path().join(format!("{step}.ttf"));
        std::fs::write(&path, bytes).unwrap();
        let (fonts, _) = Fonts::new(Some(path.to_string_lossy().into_owned())).find("Kiosk", "en");
        let scene = compose(&view, &Style { fonts, ..Style::default() }, 640, 400, 1.0);
        assert!(!scene.pieces.is_empty());
    }
}
