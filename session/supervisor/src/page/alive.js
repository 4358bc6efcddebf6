// Input that the page is given shows that its main thread goes on. The browser handles input before what the session asks:
// with more of it than the machine can handle, the session's question is answered when the last of it is done. Only the
// browser's own events count, and not each of them is told.
{
  let told = -Infinity;
  const clock = performance, now = clock.now;
  const tell = event => {
    const at = now.call(clock);
    if (!event.isTrusted || at - told < INTERVAL) return;
    told = at;
    kioskTell('ALIVE');
  };
  for (const name of ['keydown', 'keyup', 'pointerdown', 'pointermove', 'pointerup', 'touchmove', 'wheel', 'input', 'compositionupdate'])
    addEventListener(name, tell, { capture: true, passive: true });
  // While a page is on its way to the next one, the browser lets no question of the session's through to it, and a server
  // may take its time. So the page says that it is alive by itself, until that has come to an end.
  if (window === window.top && window.navigation) {
    const every = setInterval, end = clearInterval;
    let timer = 0, left = 0;
    const stop = () => { end(timer); timer = 0; };
    const beat = () => { if (left-- > 0) kioskTell('ALIVE'); else stop(); };
    navigation.addEventListener('navigate', event => {
      if (event.destination.sameDocument) return;
      left = MOST;
      timer = timer || every(beat, INTERVAL);
    });
    for (const name of ['navigatesuccess', 'navigateerror']) navigation.addEventListener(name, stop);
  }
}
