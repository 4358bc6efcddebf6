// Whether the page has the frames that it asks for. Nothing is asked of the browser that the page does not ask for itself,
// so that a still page stays still; the session looks with its question whether the page is alive.
if (window === window.top) {
  const ask = window.requestAnimationFrame;
  let since = 0;
  const wait = () => {
    if (since) return;
    since = performance.now();
    ask.call(window, () => { since = 0; });
  };
  window.requestAnimationFrame = function requestAnimationFrame(callback) {
    wait();
    return ask.call(window, callback);
  };
  // Milliseconds since a frame was asked for that has not come.
  Object.defineProperty(window, '__kioskFrames', { value: () => {
    if (document.hidden) return 0;
    if (document.getAnimations().some(animation => animation.playState === 'running')) wait();
    return since ? performance.now() - since : 0;
  } });
}
