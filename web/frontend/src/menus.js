/* Menus are <details data-menu> and dialogs are <dialog>: they open without this script. It adds
 * what people expect of them: closing by Escape, by a click elsewhere, and one open at a time. */

function closeOthers(kept) {
  document.querySelectorAll('details[data-menu][open]').forEach((menu) => {
    if (menu !== kept) menu.open = false;
  });
}

function onKey(event) {
  if (event.key !== 'Escape') return;
  const menu = document.querySelector('details[data-menu][open]');
  if (!menu) return;
  menu.open = false;
  menu.querySelector('summary').focus();
}

function onClick(event) {
  closeOthers(event.target.closest('details[data-menu]'));
  const opener = event.target.closest('[data-dialog-open]');
  if (opener) document.getElementById(opener.dataset.dialogOpen)?.showModal();
  // A click on the dialog itself, not on its content, is a click on the backdrop.
  if (event.target instanceof HTMLDialogElement) event.target.close();
}

export function startMenus() {
  document.addEventListener('click', onClick);
  document.addEventListener('keydown', onKey);
}
