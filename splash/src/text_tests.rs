use proptest::prelude::*;

use super::*;

/// Sets `text` in the built-in face at 18 pixels.
fn set(text: &str, width: u32, lines: usize) -> Setting {
    let room = Room { width, height: u32::MAX, lines };
    Typesetter::new(&Fonts::default()).set(text, Size::new(18.0).unwrap(), room)
}

fn one_line(text: &str, width: u32) -> Setting {
    Typesetter::new(&Fonts::default()).one_line(text, Size::new(18.0).unwrap(), width)
}

/// The width of `text` in a line of its own.
fn width_of(text: &str) -> u32 {
    one_line(text, 1_000_000).width
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn painting_stays_in_the_measured_box(text in "(?s).{1,60}", em in 8.0f32..130.0) {
        let fonts = Fonts::default();
        let mut typesetter = Typesetter::new(&fonts);
        let room = Room { width: 3_000, height: u32::MAX, lines: 4 };
        let mut setting = typesetter.set(&text, Size::new(em).unwrap(), room);
        if !setting.is_empty() {
            // With ten pixels more on both sides, these stay empty: nothing was cut off.
            let width = setting.width as usize;
            setting.width += 20;
            setting.glyphs.iter_mut().for_each(|glyph| glyph.x += 10);
            let wide = typesetter.paint(&setting, [255; 3], 255);
            for row in wide.data.chunks_exact((width + 20) * 4) {
                let alphas: Vec<u8> = row.chunks_exact(4).map(|pixel| pixel[3]).collect();
                let outside = alphas[..10].iter().chain(&alphas[width + 10..]);
                prop_assert!(outside.clone().all(|alpha| *alpha == 0), "{:?}", setting.lines);
            }
        }
    }

    #[test]
    fn a_cut_line_is_the_longest_beginning_that_fits(text in "[a-zA-Zäöß ]{0,80}", width in 60u32..900) {
        let line = one_line(&text, width);
        let words: Vec<&str> = text.split_whitespace().collect();
        let whole = words.join(" ");
        prop_assert!(line.width <= width);
        if width_of(&whole) <= width {
            prop_assert_eq!(line.lines.concat(), whole);
            prop_assert_eq!(line.cut_to, None);
        } else {
            let line = line.lines.concat();
            let kept = line.strip_suffix(ELLIPSIS).unwrap();
            prop_assert!(whole.starts_with(kept) && !kept.ends_with(' '));
            let next = whole[kept.len()..].trim_start().chars().next().unwrap();
            let blank = if whole[kept.len()..].starts_with(' ') { " " } else { "" };
            let longer = format!("{kept}{blank}{next}{ELLIPSIS}");
            prop_assert!(width_of(&longer) > width, "{longer} fits as well");
        }
    }

    #[test]
    fn wrapping_loses_no_word_and_keeps_to_the_width(text in "[a-z \n]{0,300}", width in 80u32..600) {
        let setting = set(&text, width, usize::MAX);
        prop_assert_eq!(setting.cut_to, None);
        prop_assert!(setting.width <= width);
        let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        prop_assert_eq!(letters(&setting.lines.concat()), letters(&text));
    }

    #[test]
    fn any_text_is_laid_out_without_panic(text in "(?s)\\PC{0,300}", width in 0u32..600, height in 0u32..400, lines in 0usize..9) {
        let fonts = Fonts::default();
        let mut typesetter = Typesetter::new(&fonts);
        let setting = typesetter.set(&text, Size::new(18.0).unwrap(), Room { width, height, lines });
        prop_assert!(setting.is_empty() || setting.lines.len() <= lines && setting.height <= height);
        typesetter.paint(&setting, [255; 3], 255);
    }
}

#[test]
fn lines_are_broken_at_blanks_and_words_only_if_they_must() {
    let width = width_of("display system");
    assert_eq!(set("kiosk display system", width, 9).lines, ["kiosk display", "system"]);
    assert_eq!(set("kiosk\ndisplay system", width, 9).lines, ["kiosk", "display system"]);
    let broken = set("kioskdisplaysystem kiosk", width, 9).lines;
    assert!(broken.len() == 2 && broken[0].starts_with("kioskdis"), "{broken:?}");
}

#[test]
fn lines_left_out_are_announced_and_what_is_shown_is_counted() {
    let wrap = |text: &str, most: usize| {
        let setting = set(text, 200, most);
        (setting.lines.join("|"), setting.cut_to)
    };
    assert_eq!(wrap("a\nb\nc", 3), ("a|b|c".into(), None));
    assert_eq!(wrap("a\nb\nc", 2), ("a|b…".into(), Some(3)));
    assert_eq!(wrap("a", 0), (String::new(), Some(0)));
    assert_eq!(wrap(" \n", 0), (String::new(), None));
    assert_eq!(wrap("a\n\nb", 9), ("a||b".into(), None));
}

#[test]
fn a_megabyte_is_cut_at_once() {
    for text in
        ["x".repeat(1 << 20), "word ".repeat(200_000), "\u{202e}x\n".repeat(200_000), "a\u{301}".repeat(300_000)]
    {
        let setting = set(&text, 400, 10);
        assert_eq!(setting.lines.len(), 10);
        assert!(setting.lines[9].ends_with(ELLIPSIS) && setting.cut_to.is_some_and(|shown| shown > 10));
    }
}

#[test]
fn a_size_stays_what_it_is_when_it_is_asked_for_again() {
    for size in 8..128 {
        let em = Size::new(size as f32).unwrap().em();
        assert_eq!(Size::new(em).unwrap().em(), em);
        assert!((em - size as f32).abs() <= 1.0, "{size} became {em}");
    }
    assert!(Size::new(5.0).is_none());
}

#[test]
fn a_font_that_is_cut_short_while_a_text_is_set_ends_nothing() {
    let text = "שלום";
    let (installed, _) = Fonts::default().find(text, "he");
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("font.ttf");
    std::fs::copy(installed.files().next().unwrap(), &copy).unwrap();
    let (fonts, wrong) = Fonts::new(Some(copy.to_str().unwrap().to_owned())).find(text, "he");
    assert_eq!(wrong, None);
    let size = Size::new(40.0).unwrap();
    let mut typesetter = Typesetter::new(&fonts);
    let setting = typesetter.one_line(text, size, 400);
    let whole = Typesetter::new(&fonts).paint(&setting, [255; 3], 255);
    std::fs::File::create(&copy).unwrap();
    assert_eq!(typesetter.paint(&setting, [255; 3], 255), whole);
    // The next one finds no font there: boxes, and the program goes on.
    assert!(!Typesetter::new(&fonts).one_line(text, size, 400).is_empty());
}
