/* Passkeys: the browser makes or uses one, and the form around the button sends what it said.
 *
 *   <form data-passkey="create|get" data-options="/address/of/options"> <input type="hidden" name="credential"> … </form>
 *
 * Where the browser knows no passkeys the form says so in its own words and stays shut. */

function toBytes(text) {
  const raw = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(raw, (character) => character.charCodeAt(0));
}

function toText(buffer) {
  const raw = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(raw).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function readOptions(options) {
  options.challenge = toBytes(options.challenge);
  if (options.user) options.user.id = toBytes(options.user.id);
  for (const one of options.excludeCredentials ?? options.allowCredentials ?? []) one.id = toBytes(one.id);
  return options;
}

function describe(credential) {
  const { response } = credential;
  const said = { clientDataJSON: toText(response.clientDataJSON) };
  for (const name of ['attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
    if (response[name]) said[name] = toText(response[name]);
  }
  return JSON.stringify({ id: credential.id, rawId: toText(credential.rawId), type: credential.type, response: said });
}

async function ask(form) {
  const answer = await fetch(form.dataset.options, {
    method: 'POST',
    headers: { 'X-CSRFToken': form.elements.csrf_token.value, Accept: 'application/json' },
  });
  if (!answer.ok) throw new Error(`answered ${answer.status}`);
  const publicKey = readOptions(await answer.json());
  return navigator.credentials[form.dataset.passkey]({ publicKey });
}

async function onSubmit(event) {
  const form = event.target.closest('form[data-passkey]');
  if (!form || form.elements.credential.value) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const fault = form.querySelector('[data-passkey-fault]');
  fault.hidden = true;
  try {
    form.elements.credential.value = describe(await ask(form));
  } catch {
    // The person said no, has none here, or the options were refused.
    fault.hidden = false;
    return;
  }
  form.submit();
}

export function startPasskeys() {
  document.querySelectorAll('form[data-passkey]').forEach((form) => {
    const button = form.querySelector('button[type=submit]');
    button.disabled = !window.PublicKeyCredential;
  });
  document.addEventListener('submit', onSubmit, { capture: true });
}
