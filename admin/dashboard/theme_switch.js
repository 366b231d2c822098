// Light, dark, or as the system has it.
const KEY = 'sluice.theme';
const listeners = new Set();
const system = matchMedia('(prefers-color-scheme: dark)');

export const THEMES = ['system', 'light', 'dark'];
export const theme = () => document.documentElement.dataset.theme ?? 'system';
export const isDark = () => theme() === 'dark' || (theme() === 'system' && system.matches);

// Returns what ends it.
export function listenTheme(call) {
  listeners.add(call);
  return () => listeners.delete(call);
}

function tell() {
  for (const call of listeners) call();
}
system.addEventListener('change', tell);

export function setTheme(name) {
  if (name === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  try {
    if (name === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, name);
  } catch {
    // not remembered, then
  }
  tell();
}
