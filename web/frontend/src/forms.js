/* Forms: sent once, after a question where data-confirm asks one, sent by Ctrl+Enter from a text area, filters sent when chosen, and the first
 * faulty field focused. A page works without any of it. */

function onSubmit(event) {
  const form = event.target;
  if (event.defaultPrevented || form.method === 'dialog') return;
  if (form.dataset.sent || (form.dataset.confirm && !window.confirm(form.dataset.confirm))) {
    event.preventDefault();
    return;
  }
  if ('tidy' in form.dataset) tidy(form);
  form.dataset.sent = 'yes';
  event.submitter?.setAttribute('aria-busy', 'true');
}

/* What was left empty is left out of the address. */
function tidy(form) {
  for (const field of form.elements) {
    if (field.name && field.value === '') {
      field.disabled = true;
      field.dataset.tidied = '';
    }
  }
}

function reopen() {
  document.querySelectorAll('[data-tidied]').forEach((field) => { field.disabled = false; });
  document.querySelectorAll('form[data-sent]').forEach((form) => {
    delete form.dataset.sent;
    form.querySelectorAll('[aria-busy]').forEach((button) => button.removeAttribute('aria-busy'));
  });
}

function onKey(event) {
  const isSend = event.key === 'Enter' && (event.ctrlKey || event.metaKey);
  if (isSend && event.target instanceof HTMLTextAreaElement) event.target.form?.requestSubmit();
}

function onChange(event) {
  event.target.closest('form[data-autosubmit]')?.requestSubmit();
}

export function startForms() {
  document.addEventListener('submit', onSubmit);
  document.addEventListener('keydown', onKey);
  document.addEventListener('change', onChange);
  window.addEventListener('pageshow', reopen);
  document.addEventListener('htmx:afterRequest', reopen);
  document.querySelector('form [aria-invalid="true"]')?.focus();
}
