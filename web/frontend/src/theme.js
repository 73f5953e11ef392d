/* Light, dark or as the system says. The choice is a cookie that the server reads, so the page
 * arrives in the right colours; without a choice the style sheet follows the system by itself. */

const COOKIE = 'mw_theme';
const YEAR_S = 31_536_000;

function chosen() {
  return document.documentElement.dataset.bsTheme ?? 'auto';
}

export function isDark() {
  if (chosen() !== 'auto') return chosen() === 'dark';
  return matchMedia('(prefers-color-scheme: dark)').matches;
}

function announce() {
  document.querySelectorAll('[data-theme-choice]').forEach((button) => {
    button.setAttribute('aria-pressed', String(button.dataset.themeChoice === chosen()));
  });
  document.dispatchEvent(new CustomEvent('mw:theme'));
}

function choose(theme) {
  if (theme === 'auto') delete document.documentElement.dataset.bsTheme;
  else document.documentElement.dataset.bsTheme = theme;
  const secure = location.protocol === 'https:' ? '; secure' : '';
  document.cookie = `${COOKIE}=${theme}; path=/; max-age=${YEAR_S}; samesite=lax${secure}`;
  announce();
}

export function startTheme() {
  document.addEventListener('click', (event) => {
    const button = event.target.closest('[data-theme-choice], [data-theme-toggle]');
    if (!button) return;
    choose(button.dataset.themeChoice ?? (isDark() ? 'light' : 'dark'));
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', announce);
  announce();
}
