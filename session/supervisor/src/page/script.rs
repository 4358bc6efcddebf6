//! The script that runs in every document before the page's own: `window.kiosk`, and what the DevTools protocol has no
//! command for. A page may undo it without harm, as its calls and requests are checked outside of the page too.

use super::calls::{BURST, LONGEST, PATIENCE, RATE};
use super::{frames, layout_width};
use kiosk_core::config::{Api, BrowserSettings, NewWindows, Printing, Shortcuts, UrlPattern};

/// What the script calls to tell the session something, as a text.
pub(super) const BINDING: &str = "__kioskTell";

const TELL: &str = "const kioskTell = text => { if (typeof __kioskTell === 'function') __kioskTell(text); };";

/// `window.kiosk`.
const KIOSK: &str = include_str!("kiosk.js");

/// What the script says of a page that is given input.
pub(super) const ALIVE: &str = "alive";
/// Least time between two of these, milliseconds: well within the time limit of a heartbeat, and no wake-up that counts
/// beside those of the input itself.
const ALIVE_INTERVAL: u32 = 2000;

/// So often a page says it while it waits for the next one: twice as long as browsers wait for a server.
const ALIVE_MOST: u32 = 300;

const INPUT: &str = include_str!("alive.js");

/// The page cannot close itself, which would end the browser.
const NO_CLOSE: &str = "if (window === window.top && !window.opener) window.close = () => {};";

/// Addresses that are for other programs (`mailto:`, `tel:`) are not left to the browser, which would ask or start
/// one: it does so before any request that could be judged. Neither is a blank page in the page's own place; a window
/// that a page has opened may be blank, as the page may write into it.
const WEB_ONLY: &str = "if (window.navigation) navigation.addEventListener('navigate', event => { \
     const page = window === window.top && !window.opener, to = event.destination.url; \
     if (event.cancelable && !(page ? /^(https?|file|blob|data|javascript):/i : /^(https?|file|blob|data|about|javascript):/i).test(to)) \
     event.preventDefault(); });";

/// What the browser would ask a visitor in a dialog of its own: for a security key or another proof of who it is, and
/// whether the page may be the program for links of other schemes.
const NO_QUESTIONS: &str = "{ \
     const refused = () => Promise.reject(new DOMException('The kiosk has no security keys.', 'NotAllowedError')); \
     const asks = options => options && ['publicKey', 'identity', 'digital', 'otp'].some(kind => options[kind]); \
     if (window.CredentialsContainer) for (const name of ['get', 'create']) { \
       const ask = CredentialsContainer.prototype[name]; \
       CredentialsContainer.prototype[name] = function (options) { \
         return asks(options) ? refused() : ask.call(this, options); }; } \
     if (navigator.registerProtocolHandler) Navigator.prototype.registerProtocolHandler = () => {}; }";

/// Picture in picture is a window above the page: only where such windows have a button to close them. The entry in a
/// video's own controls goes with the attribute.
const NO_PICTURE_IN_PICTURE: &str = "{ \
     const refused = () => Promise.reject(new DOMException('The kiosk has no windows above the page.', 'NotAllowedError')); \
     if (window.DocumentPictureInPicture) DocumentPictureInPicture.prototype.requestWindow = refused; \
     if (window.HTMLVideoElement) { \
       HTMLVideoElement.prototype.requestPictureInPicture = refused; \
       Object.defineProperty(Document.prototype, 'pictureInPictureEnabled', { configurable: true, get: () => false }); \
       const plain = event => { for (const part of event.composedPath()) \
         if (part instanceof HTMLVideoElement) part.disablePictureInPicture = true; }; \
       for (const name of ['loadstart', 'loadedmetadata', 'play', 'pointerdown', 'keydown']) addEventListener(name, plain, true); } }";

/// Breaks a loop of dialogs by an error in its script: otherwise the page would never be painted, or a person could do
/// nothing else.
const DIALOGS: &str = "{ const times = []; for (const name of ['alert', 'confirm', 'prompt']) { \
     const ask = window[name]; \
     window[name] = function (...words) { \
       const now = performance.now(); times.push(now); \
       if (times.length > 20 && now - times.shift() < 5000) throw new Error('too many dialogs one after the other'); \
       return ask.apply(window, words); }; } }";

/// What is dragged from a popup, or from another program's window, would be opened in the page's place where it is dropped.
/// Fields and pages that take it get it: the listener is moved behind those of the page, which may have some here, too.
const NO_DROP: &str = "{ \
     const last = event => { \
       const target = event.composedPath()[0], within = target instanceof Element ? target : target.parentElement; \
       if (event.defaultPrevented || (within && (within.isContentEditable || within.closest('input, textarea')))) return; \
       event.preventDefault(); \
       event.dataTransfer.dropEffect = 'none'; }; \
     for (const name of ['dragenter', 'dragover']) \
       addEventListener(name, () => { removeEventListener(name, last); addEventListener(name, last); }, true); }";

/// The keyboard on the screen takes room away from below: the field that is typed into stays in sight.
const IN_SIGHT: &str = "addEventListener('resize', () => requestAnimationFrame(() => { \
     let field = document.activeElement; \
     while (field && field.shadowRoot && field.shadowRoot.activeElement) field = field.shadowRoot.activeElement; \
     if (field && (field.isContentEditable || field.matches('input, textarea'))) field.scrollIntoView({ block: 'nearest' }); }));";

const NO_PRINT: &str = "window.print = () => { kioskTell('print'); };";

/// Which names are of another window: not those of the page's frames, at any depth.
const TARGETS: &str = "const kioskBase = () => { const b = document.querySelector('base[target]'); return b ? b.target : ''; }; \
     const kioskHas = (w, name) => { try { if (w.name === name) return true; } catch {} \
       for (let i = 0; i < w.length; i++) if (kioskHas(w[i], name)) return true; return false; }; \
     const kioskAway = name => name && !/^_(self|top|parent)$/i.test(name) && !kioskHas(window.top, name);";

/// Links and forms that want another window take the page's own: their referrer and what a form sends stay with them.
const SAME_WINDOW: &str = "{ \
     const base = kioskBase, away = kioskAway, submit = HTMLFormElement.prototype.submit; \
     HTMLFormElement.prototype.submit = function () { if (away(this.target || base())) this.target = '_top'; return submit.call(this); }; \
     addEventListener('click', event => { \
       const link = event.composedPath().find(e => (e instanceof HTMLAnchorElement || e instanceof HTMLAreaElement) && e.href); \
       if (link && away(link.target || base())) link.target = '_top'; \
     }, true); \
     addEventListener('submit', event => { \
       const form = event.target, button = event.submitter; \
       if (button && away(button.formTarget)) button.formTarget = '_top'; \
       else if (away(form.target || base())) form.target = '_top'; \
     }, true); }";

/// A link into another window gets one of its own, not a tab over the page; so does one that is clicked as a tab is
/// asked for.
const POPUP: &str = "{ \
     const open = window.open, base = kioskBase, away = kioskAway; \
     const web = url => /^(https?|file|blob|data|about|javascript):/i.test(url); \
     const popup = features => /(^|,)\\s*(popup|width|height)/i.test(features || '') ? features \
       : (features ? features + ',' : '') + 'popup=1,width=' + Math.round(screen.width * .7) + ',height=' + Math.round(screen.height * .7); \
     window.open = function (url, name, features) { \
       let to = 'about:'; \
       try { if (url) to = new URL(url, document.baseURI).href; } catch {} \
       return web(to) ? open.call(window, url, name, popup(features)) : null; }; \
     const follow = event => { \
       const link = event.composedPath().find(e => (e instanceof HTMLAnchorElement || e instanceof HTMLAreaElement) && e.href); \
       if (!link || event.defaultPrevented || link.hasAttribute('download')) return; \
       const asked = event.button === 1 || event.ctrlKey || event.shiftKey || event.metaKey; \
       const name = asked ? '_blank' : link.target || base(); \
       if (!away(name)) return; \
       event.preventDefault(); \
       if (!web(link.href)) return; \
       open.call(window, link.href, name, popup(/^_blank$/i.test(name) && !link.relList.contains('opener') ? 'noopener' : '')); \
     }; \
     addEventListener('click', follow); \
     addEventListener('auxclick', event => { if (event.button === 1) follow(event); }); \
     addEventListener('submit', event => { \
       const form = event.target, button = event.submitter, own = button && button.formTarget, name = own || form.target || base(); \
       if (event.defaultPrevented || !away(name)) return; \
       const to = /^_blank$/i.test(name) ? 'kiosk' + Math.random() : name; \
       open.call(window, '', to, popup('')); \
       if (own) button.formTarget = to; else form.target = to; \
     }); }";

/// The browser's own keys. In fullscreen it lets the page have each of them first, and does what is left.
const KEYS: &str = include_str!("keys.js");

/// The script for pages under these settings.
pub(super) fn of(browser: &BrowserSettings, api: &Api) -> String {
    let origins: Vec<String> = api.origins.iter().map(UrlPattern::origin_expression).collect();
    let kiosk = KIOSK.replace("ORIGINS", &serde_json::json!(origins).to_string());
    let kiosk = kiosk.replace("BURST", &BURST.to_string()).replace("RATE", &RATE.to_string());
    let kiosk = kiosk.replace("LONGEST", &LONGEST.to_string()).replace("PATIENCE", &PATIENCE.as_millis().to_string());
    let narrow = layout_width::script();
    let input = INPUT.replace("INTERVAL", &ALIVE_INTERVAL.to_string()).replace("ALIVE", ALIVE);
    let input = input.replace("MOST", &ALIVE_MOST.to_string());
    let mut parts = vec![
        TELL,
        &input,
        &kiosk,
        frames::SCRIPT,
        NO_CLOSE,
        WEB_ONLY,
        NO_QUESTIONS,
        DIALOGS,
        NO_DROP,
        IN_SIGHT,
        &narrow,
    ];
    if browser.printing == Printing::None {
        parts.push(NO_PRINT);
    }
    if browser.new_windows != NewWindows::Popup {
        parts.push(NO_PICTURE_IN_PICTURE);
    }
    match browser.new_windows {
        NewWindows::Same => parts.extend([TARGETS, SAME_WINDOW]),
        NewWindows::Popup => parts.extend([TARGETS, POPUP]),
        NewWindows::Deny => {}
    }
    let drop = browser.shortcuts == Shortcuts::Drop;
    let keys = KEYS.replace("DROP", if drop { "true" } else { "false" });
    parts.push(&keys);
    // One scope of its own: nothing of it is a name that the page sees.
    format!("{{\n{}\n}}", parts.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_of_what_is_configured() {
        let page = of(&BrowserSettings::default(), &Api::default());
        assert!(page.contains("if (false) event.stopImmediatePropagation()") && page.contains(NO_PRINT));
        let browser = BrowserSettings {
            shortcuts: Shortcuts::Drop,
            new_windows: NewWindows::Popup,
            printing: Printing::Silent,
            ..BrowserSettings::default()
        };
        let drop = of(&browser, &Api::default());
        assert!(drop.contains("if (true) event.stopImmediatePropagation()") && !drop.contains(NO_PRINT));
        assert!(drop.contains(POPUP) && !drop.contains(SAME_WINDOW));
    }
}
