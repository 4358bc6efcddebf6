//! The on-screen keyboard's picture: its area on the screen and its pixels, painted again only when keys change.
//! Pressed keys are tinted; the choices of a long press are a small picture of their own.

mod paint;

use smithay::{
    backend::{
        allocator::Fourcc,
        renderer::{
            Color32F, ImportAll, ImportMem, Renderer,
            element::{Id, Kind, memory::MemoryRenderBuffer, solid::SolidColorRenderElement},
            utils::CommitCounter,
        },
    },
    utils::{Logical, Physical, Point, Rectangle, Size, Transform},
};

use super::elements::{PixelElement, StageElement};
use crate::{
    keyboard::{
        board::{Board, Offer},
        geometry::Rect,
    },
    screens::{Screen, ScreenId},
};
use kiosk_splash::{Fonts, Rgb, Style};
use paint::Paint;

/// A row's height in proportion to the picture's height and width, and its limits, logical pixels.
const ROW_OF_HEIGHT: f64 = 0.085;
const ROW_OF_WIDTH: f64 = 0.12;
const ROW_LEAST: f64 = 34.0;
const ROW_MOST: f64 = 84.0;
/// The keyboard's height in rows: pages with more have lower ones, so that its height stays the same.
const ROWS: f64 = 4.3;
/// Largest share of the picture's height.
const MOST_OF_HEIGHT: f64 = 0.55;
/// Most tinted keys; more can be pressed.
const TINTS: usize = 10;

/// Configured colours and size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// Behind the keys.
    pub background: Rgb,
    /// Of keys with characters; others are darker.
    pub key: Rgb,
    /// Characters on the keys.
    pub text: Rgb,
    /// Active: shift, the chosen accent.
    pub accent: Rgb,
    /// 1.0: medium.
    pub size: f64,
}

impl Default for Look {
    fn default() -> Self {
        Self { background: [0; 3], key: [64; 3], text: [255; 3], accent: [127, 180, 255], size: 1.0 }
    }
}

/// The keyboard's placement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeyboardPlacement {
    /// Its screen.
    pub screen: ScreenId,
    /// The shell on that screen.
    pub shell: usize,
    /// Its area in the layout.
    pub area: Rectangle<i32, Logical>,
    /// Its area in pixels of the screen's upright picture.
    pub pixels: Rectangle<i32, Physical>,
    /// The screen's corner in the layout, and its scale.
    origin: Point<i32, Logical>,
    scale: f64,
}

impl KeyboardPlacement {
    /// The placement at this screen's lower edge.
    pub fn on(screen: &Screen, shell: usize, look: &Look) -> Self {
        let (picture, scale, geometry) = (screen.picture_size(), screen.scale(), screen.geometry());
        let (width, height) = (f64::from(geometry.size.w), f64::from(geometry.size.h));
        let row = (height * ROW_OF_HEIGHT).min(width * ROW_OF_WIDTH).clamp(ROW_LEAST, ROW_MOST) * look.size;
        let logical = (row * ROWS).min(height * MOST_OF_HEIGHT).round() as i32;
        // Rounded up, so that there is no gap between a window and the keyboard.
        let top = ((height - f64::from(logical)) * scale).floor() as i32;
        let pixels = picture.h - top;
        Self {
            screen: screen.id,
            shell,
            area: Rectangle::new(
                (geometry.loc.x, geometry.loc.y + geometry.size.h - logical).into(),
                (geometry.size.w, logical).into(),
            ),
            pixels: Rectangle::new((0, top).into(), (picture.w, pixels).into()),
            origin: geometry.loc,
            scale,
        }
    }

    /// Maps a layout position to the keyboard's own pixels.
    pub fn local(&self, at: Point<f64, Logical>) -> (f64, f64) {
        let on_screen = at - self.origin.to_f64();
        (
            on_screen.x * self.scale - f64::from(self.pixels.loc.x),
            on_screen.y * self.scale - f64::from(self.pixels.loc.y),
        )
    }
}

/// The keyboard on the stage.
pub struct ScreenKeyboard {
    /// The state machine of its keys.
    pub board: Board,
    /// Colours and size.
    pub look: Look,
    /// `None`: it is not shown.
    place: Option<KeyboardPlacement>,
    picture: Option<Painted>,
    offer: Option<Painted>,
    tints: [Id; TINTS],
    chosen: Id,
}

/// A picture, and its inputs.
struct Painted {
    revision: u64,
    size: (i32, i32),
    characters: Vec<char>,
    fonts: Fonts,
    /// Glyphs whose fonts are still being searched are left out.
    waits: bool,
    buffer: MemoryRenderBuffer,
}

impl Painted {
    fn shows(&self, size: (i32, i32), fonts: &Fonts, waits: bool) -> bool {
        self.size == size && self.waits == waits && self.fonts == *fonts
    }
}

impl ScreenKeyboard {
    /// Not shown.
    pub fn new(look: Look) -> Self {
        Self {
            board: Board::default(),
            look,
            place: None,
            picture: None,
            offer: None,
            tints: std::array::from_fn(|_| Id::new()),
            chosen: Id::new(),
        }
    }

    /// Its placement; `None`: it is not shown.
    pub fn place(&self) -> Option<&KeyboardPlacement> {
        self.place.as_ref()
    }

    /// Shows or hides it. Returns whether that is a change.
    pub fn put(&mut self, place: Option<KeyboardPlacement>) -> bool {
        if self.place == place {
            return false;
        }
        match &place {
            Some(place) => self.board.resize(place.pixels.size.w, place.pixels.size.h),
            None => {
                self.board.cancel_all();
                (self.picture, self.offer) = (None, None);
            }
        }
        self.place = place;
        true
    }

    /// Sets colours and size.
    pub fn set_look(&mut self, look: Look) {
        self.look = look;
        self.picture = None;
    }

    /// Whether it has to be painted again on this screen.
    pub fn is_stale(&self, screen: ScreenId, fonts: &Fonts) -> bool {
        let Some(place) = self.place.filter(|place| place.screen == screen) else { return false };
        let size = (place.pixels.size.w, place.pixels.size.h);
        let is_new = |painted: &Painted| painted.revision == self.board.revision() && painted.shows(size, fonts, false);
        let offered = |offer: &Offer| {
            let size = (offer.area().w, offer.area().h);
            self.offer.as_ref().is_some_and(|painted| {
                painted.shows(size, fonts, false) && painted.characters.iter().copied().eq(offer.characters())
            })
        };
        !self.picture.as_ref().is_some_and(is_new) || !self.board.offer().map_or(self.offer.is_none(), offered)
    }

    /// All characters on its keys, for the font search; empty: it is not shown.
    pub fn text(&self) -> String {
        if self.place.is_none() { String::new() } else { self.board.text() }
    }

    /// Paints changes before a frame of this screen is drawn. `waits`: leave out glyphs whose fonts are still being
    /// searched.
    pub fn prepare(&mut self, screen: ScreenId, style: &Style, waits: bool) {
        let Some(place) = self.place.filter(|place| place.screen == screen) else { return };
        let size = (place.pixels.size.w, place.pixels.size.h);
        let (revision, fonts) = (self.board.revision(), &style.fonts);
        let paint = Paint { look: &self.look, style, waits };
        let is_new = |painted: &Painted| painted.revision == revision && painted.shows(size, fonts, waits);
        if !self.picture.as_ref().is_some_and(is_new) {
            let data = paint.board(&self.board, size);
            let painted =
                |buffer| Painted { revision, size, characters: Vec::new(), fonts: fonts.clone(), waits, buffer };
            self.picture = buffer(&data, size).map(painted);
        }
        let Some(offer) = self.board.offer() else {
            self.offer = None;
            return;
        };
        let (area, characters) = (offer.area(), offer.characters().collect::<Vec<_>>());
        let size = (area.w, area.h);
        let is_new = |painted: &Painted| painted.characters == characters && painted.shows(size, fonts, waits);
        if !self.offer.as_ref().is_some_and(is_new) {
            let data = paint.offer(offer);
            let painted = |buffer| Painted { revision, size, characters, fonts: fonts.clone(), waits, buffer };
            self.offer = buffer(&data, size).map(painted);
        }
    }

    /// Pushes it, if it is on this screen.
    pub fn push_elements<R>(&self, renderer: &mut R, screen: ScreenId, elements: &mut Vec<StageElement<R>>)
    where
        R: Renderer + ImportAll + ImportMem,
        R::TextureId: Clone + Send + 'static,
    {
        let Some(place) = self.place.as_ref().filter(|place| place.screen == screen) else { return };
        let corner = place.pixels.loc;
        let at = |rect: Rect| -> Rectangle<i32, Physical> {
            Rectangle::new((corner.x + rect.x, corner.y + rect.y).into(), (rect.w, rect.h).into())
        };
        let solid = |id: &Id, rect: Rect, [r, g, b]: Rgb, alpha: f32| {
            let part = |value: u8| f32::from(value) / 255.0 * alpha;
            let color = Color32F::new(part(r), part(g), part(b), alpha);
            SolidColorRenderElement::new(id.clone(), at(rect), CommitCounter::default(), color, Kind::Unspecified)
        };
        // In password fields pressed keys are not tinted.
        let marks = !self.board.is_secret();
        if let Some((offer, painted)) = self.board.offer().zip(self.offer.as_ref()) {
            if let Some((cell, _)) = offer.chosen.and_then(|chosen| offer.cells.get(chosen)).filter(|_| marks) {
                elements.push(solid(&self.chosen, paint::inset(*cell), self.look.accent, 0.4).into());
            }
            let loc = at(offer.area()).loc;
            if let Ok(element) = PixelElement::new(renderer, &painted.buffer, loc, 1.0, Kind::Unspecified) {
                elements.push(element.into());
            }
        }
        for (id, cell) in self.tints.iter().zip(self.board.pressed()).filter(|_| marks) {
            elements.push(solid(id, paint::inset(cell), self.look.text, 0.25).into());
        }
        if let Some(painted) = &self.picture
            && let Ok(element) = PixelElement::new(renderer, &painted.buffer, corner, 1.0, Kind::Unspecified)
        {
            elements.push(element.into());
        }
    }
}

fn buffer(data: &[u8], (w, h): (i32, i32)) -> Option<MemoryRenderBuffer> {
    let size: Size<i32, smithay::utils::Buffer> = (w, h).into();
    let opaque = vec![Rectangle::from_size(size)];
    (w > 0 && h > 0)
        .then(|| MemoryRenderBuffer::from_slice(data, Fourcc::Argb8888, size, 1, Transform::Normal, Some(opaque)))
}
