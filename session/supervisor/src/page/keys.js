// Keys and buttons that the browser would take as its own do nothing there. The page sees them as events, or, where
// they are dropped, does not. What people edit with (copy, paste, undo, moving in a text) is not among them.
{
  const control = new Set('jtnhoupsdekglfrqbm0123456789+-='.split('').concat('tab', 'pageup', 'pagedown', 'f4', 'f5', 'w'));
  const controlShift = new Set('ijcntwobdrqpamfgkuhs+_'.split('').concat('delete', 'tab', 'pageup', 'pagedown', 'f5', 'escape'));
  const alt = new Set('def'.split('').concat('arrowleft', 'arrowright', 'home', 'f4', 'enter', ' '));
  const alone = /^(f1|f3|f5|f6|f7|f10|f11|f12|browser\w+|launch\w+|gohome|find|open|print|save|new|close|zoom\w+|help|contextmenu)$/;
  const taken = event => {
    const key = (event.key || '').toLowerCase(), code = (event.code || '').replace(/^(Key|Digit)/, '').toLowerCase();
    // By its place too: with another layout the browser goes by that.
    const among = set => set.has(key) || set.has(code);
    if (event.metaKey) return true;
    if (event.ctrlKey && event.altKey) return false;
    if (event.ctrlKey) return among(event.shiftKey ? controlShift : control);
    if (event.altKey) return among(alt);
    return alone.test(key) || (event.shiftKey && key === 'escape');
  };
  const stop = event => {
    event.preventDefault();
    if (DROP) event.stopImmediatePropagation();
  };
  for (const name of ['keydown', 'keypress', 'keyup'])
    addEventListener(name, event => { if (taken(event)) stop(event); }, true);
  for (const name of ['mousedown', 'mouseup', 'pointerdown', 'pointerup', 'auxclick'])
    addEventListener(name, event => { if (event.button > 2) stop(event); }, true);
  // Its menu leads to files, sources and printers; a page's own menu is not it.
  addEventListener('contextmenu', event => event.preventDefault(), true);
  addEventListener('wheel', event => { if (event.ctrlKey) event.preventDefault(); }, { capture: true, passive: false });
}
