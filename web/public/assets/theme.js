// Runs before the first paint: a chosen theme must not flash in the other one.
try {
  const theme = window.localStorage.getItem("commlog.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Without storage, the system's theme is used.
}
