//! The theme's script: the layout of the splash in Plymouth's language, with the numbers of [`crate::scene`]. Called by
//! [`super::plymouth_theme`]. It shows no text: neither messages nor password prompts.

use crate::{
    Position, Style,
    animation::{DOTS, LAG, PULSE, REST, STEP, STEPS},
    scene::MARGIN,
    scene::splash::{DOT, GAP, LOGO_MAX_HEIGHT, LOGO_MAX_WIDTH, MAX_DOT_SHARE, MAX_LOGO, MIN_DOT, share_of},
};

/// How often Plymouth calls a theme, per second.
const TICKS: u32 = 50;
/// The lines around the layout of a screen of `width` by `height` pixels, which has only assignments.
pub(super) const GEOMETRY: [&str; 2] = ["# The layout of kioskd's first picture.\n", "# The end of the layout.\n"];

/// For rounding: the layout is computed in f32, where a length just below half a pixel may be a half.
const HALF: &str = "0.5001";

/// A number for Plymouth: the layout's f32 as an exact double, so that both round the same.
fn number(value: f32) -> String {
    format!("{:.9}", f64::from(value))
}

/// The whole script.
pub(super) fn script(style: &Style) -> String {
    let [red, green, blue] = style.background.map(|channel| format!("{:.6}", (f32::from(channel) + 0.25) / 255.0));
    let geometry = geometry(style);
    let [begin, end] = GEOMETRY;
    let ticks_a_step = (STEP.as_millis() as u32 * TICKS / 1000).max(1);
    let (rest, rise) = (number(REST), number(1.0 - REST));
    format!(
        r#"# Made by kiosk-splash, which writes it anew: the logo, its dots and their movement as kioskd has them, so that nothing
# moves when kioskd takes the screen. Shows no text.
Window.SetBackgroundTopColor ({red}, {green}, {blue});
Window.SetBackgroundBottomColor ({red}, {green}, {blue});

screens = 0;
while (Window.GetWidth (screens))
  {{
width = Window.GetWidth (screens);
height = Window.GetHeight (screens);
{begin}{geometry}{end}
    logo_image = Image ("logo-" + logo_width + "x" + logo_height + ".png");
    if (!logo_image)
      {{
        logo_image = Image ("logo.png");
        if (logo_image)
          logo_image = logo_image.Scale (logo_width, logo_height);
      }}
    if (logo_image)
      {{
        logos[screens] = Sprite (logo_image);
        logos[screens].SetPosition (Window.GetX (screens) + logo_x, Window.GetY (screens) + logo_y, 1);
      }}

    dot_image = Image ("dot-" + dot + ".png");
    if (!dot_image)
      {{
        dot_image = Image ("dot.png");
        if (dot_image)
          dot_image = dot_image.Scale (dot, dot);
      }}
    for (index = 0; index < {DOTS}; index++)
      {{
        place = screens * {DOTS} + index;
        dots[place] = Sprite (dot_image);
        dots[place].SetPosition (Window.GetX (screens) + dot_x + pitch * index, Window.GetY (screens) + dot_y, 1);
        dots[place].SetOpacity ({rest});
      }}
    screens++;
  }}

ticks = 0;

# One pulse of each dot in turn, then a rest.
fun refresh ()
  {{
    global.ticks++;
    step = Math.Int (global.ticks / {ticks_a_step}) % {STEPS};
    for (index = 0; index < {DOTS}; index++)
      {{
        phase = (step + {STEPS} - index * {LAG}) % {STEPS};
        opacity = {rest};
        if (phase < {PULSE})
          {{
            sine = Math.Sin (Math.Pi * phase / {PULSE});
            opacity = {rest} + {rise} * sine * sine;
          }}
        for (screen = 0; screen < global.screens; screen++)
          global.dots[screen * {DOTS} + index].SetOpacity (opacity);
      }}
  }}
Plymouth.SetRefreshFunction (refresh);

# Before the last picture, which stays until kioskd's first one: as that begins.
fun rest ()
  {{
    for (index = 0; index < global.screens * {DOTS}; index++)
      global.dots[index].SetOpacity ({rest});
  }}
Plymouth.SetQuitFunction (rest);
"#
    )
}

/// Assignments that compute the positions of logo and dots from `width` and `height`.
fn geometry(style: &Style) -> String {
    let share = share_of(style.logo_size);
    let root = style.logo.aspect().unwrap_or(1.0).sqrt();
    let tallest = LOGO_MAX_HEIGHT.max(share * 0.8);
    let [share, root, tallest, widest, gap, thick, least, margin] =
        [share, root, tallest, LOGO_MAX_WIDTH, GAP, DOT, MAX_DOT_SHARE, MARGIN].map(number);
    let top = match style.position {
        Position::Center => "logo_y = Math.Int (Math.Max (height - logo_height, 0) / 2);".to_owned(),
        Position::Top => format!(
            "third = Math.Int (height / 3);\n\
             margin = Math.Min (Math.Int (shorter * {margin} + 0.5), third);\n\
             logo_y = Math.Max (third - Math.Int (logo_height / 2), margin);"
        ),
    };
    let (apart, half) = (DOTS - 1, HALF);
    format!(
        "shorter = Math.Min (width, height);\n\
         long = shorter * {share} * {root};\n\
         tall = shorter * {share} / {root};\n\
         fit = Math.Min (1, width * {widest} / long);\n\
         fit = Math.Min (fit, height * {tallest} / tall);\n\
         fit = Math.Min (fit, {MAX_LOGO} / Math.Max (long, tall));\n\
         logo_width = Math.Max (Math.Int (long * fit + {half}), 1);\n\
         logo_height = Math.Max (Math.Int (tall * fit + {half}), 1);\n\
         logo_x = Math.Int ((width - logo_width) / 2);\n\
         {top}\n\
         dot = Math.Int (Math.Min (Math.Max (shorter * {thick}, {MIN_DOT}), shorter * {least}) + 0.5);\n\
         pitch = Math.Int (dot * 5 / 2);\n\
         dot_x = Math.Int ((width - pitch * {apart} - dot) / 2);\n\
         dot_y = logo_y + logo_height + Math.Int (shorter * {gap} + 0.5);\n"
    )
}
