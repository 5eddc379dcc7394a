// A finger that goes sideways opens and closes the list. What scrolls sideways itself, or is drawn with a finger, keeps
// its own way.
const far = 56; // pixels: more than a tap that slipped

export function onSwipe(room: HTMLElement, swiped: (to: "right" | "left") => void): void {
  let start: Touch | undefined;
  const scrolls = (target: EventTarget | null) => {
    for (let node = target as Element | null; node && node !== room; node = node.parentElement) {
      if (node.matches("input, textarea") || (node.scrollWidth > node.clientWidth && /auto|scroll/.test(getComputedStyle(node).overflowX))) return true;
    }
    return false;
  };
  room.addEventListener("touchstart", (event) => {
    start = event.touches.length === 1 && !scrolls(event.target) ? event.touches[0] : undefined;
  }, { passive: true }); // prettier-ignore
  room.addEventListener("touchend", (event) => {
    const end = event.changedTouches[0];
    if (!start || !end) return;
    const [x, y] = [end.clientX - start.clientX, end.clientY - start.clientY];
    start = undefined;
    if (Math.abs(x) >= far && Math.abs(x) > 2 * Math.abs(y) && !getSelection()?.toString()) swiped(x > 0 ? "right" : "left");
  }, { passive: true }); // prettier-ignore
}
