// Runs before the first paint, so that a dark page never flashes white: no module, those wait.
(() => {
  let kept = null;
  try {
    kept = localStorage.getItem('sluice.theme');
  } catch {
    // storage is forbidden here
  }
  if (kept === 'dark' || kept === 'light') document.documentElement.dataset.theme = kept;
})();
