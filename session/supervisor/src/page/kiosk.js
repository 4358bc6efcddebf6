// window.kiosk, as share/kiosk/kiosk.d.ts describes it. In documents of `api.origins` all of it; in the main frame of
// others ready() alone, which says no more than that the page has come. What a call may do is judged outside of the page.
if (window === window.top) {
  const ready = () => { kioskTell('ready'); return Promise.resolve(); };
  const granted = ORIGINS.some(origin => new RegExp('^' + origin + '$').test(location.origin));
  const add = (name, value) => Object.defineProperty(window, name, { value });
  if (!granted) add('kiosk', Object.freeze({ ready }));
  else {
    // By their names: calls that have no answer yet. Told again whenever the way to the session is open anew.
    const open = new Map(), mark = Math.random().toString(36).slice(2) + '.';
    let count = 0, room = BURST, at = performance.now();
    const call = (name, value) => new Promise((resolve, reject) => {
      const now = performance.now(), refuse = text => reject(new Error(text));
      room = Math.min(BURST, room + (now - at) * RATE / 1000);
      at = now;
      if (room < 1 || open.size >= BURST) return refuse('there are too many calls: at most RATE a second, and BURST at once');
      const id = mark + ++count, text = JSON.stringify({ id, name, value });
      if (text.length > LONGEST) return refuse('the call is too long: at most LONGEST characters');
      room -= 1;
      const late = setTimeout(() => open.delete(id) && refuse('the kiosk has not answered'), PATIENCE);
      open.set(id, { resolve, reject, text, late });
      kioskTell(text);
    });
    let listens = false;
    const listen = () => { listens = true; call('listen').catch(() => {}); };
    // A document that comes back from the browser's cache has been forgotten.
    addEventListener('pageshow', event => { if (event.persisted && listens) listen(); });
    const screen = Object.freeze({ off: () => call('screen', false), on: () => call('screen', true) });
    const kiosk = Object.defineProperties(new EventTarget(), {
      info: { get: () => call('info'), enumerable: true },
      addEventListener: { value(type, ...rest) {
        if (!listens && (type === 'idle' || type === 'wake')) listen();
        return EventTarget.prototype.addEventListener.call(kiosk, type, ...rest);
      } },
    });
    Object.assign(kiosk, {
      ready, screen,
      reload: () => call('reload'),
      home: () => call('home'),
      brightness: percent => call('brightness', percent),
      rotate: degrees => call('rotate', degrees),
      message: text => call('message', text),
    });
    add('kiosk', Object.freeze(kiosk));
    add('__kioskHear', ({ again, answer, error, value, event, detail }) => {
      if (again) for (const { text } of open.values()) kioskTell(text);
      if (event) kiosk.dispatchEvent(new CustomEvent(event, { detail }));
      const waiting = open.get(answer);
      open.delete(answer);
      clearTimeout(waiting?.late);
      if (waiting && error) waiting.reject(new Error(error));
      else if (waiting) waiting.resolve(value);
    });
  }
}
