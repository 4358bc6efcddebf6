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
}
