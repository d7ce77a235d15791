/* Asks the browser for a security key, and sends what it answers with the form. */
"use strict";

const bytesOf = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));

const textOf = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const named = (credentials) => (credentials || []).map((each) => ({ ...each, id: bytesOf(each.id) }));

function asked(written) {
  const options = JSON.parse(written).publicKey;
  const read = { ...options, challenge: bytesOf(options.challenge) };
  if (options.user) read.user = { ...options.user, id: bytesOf(options.user.id) };
  if (options.allowCredentials) read.allowCredentials = named(options.allowCredentials);
  if (options.excludeCredentials) read.excludeCredentials = named(options.excludeCredentials);
  return { publicKey: read };
}

function answered(credential) {
  const response = {};
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature"]) {
    if (credential.response[part]) response[part] = textOf(credential.response[part]);
  }
  return JSON.stringify({ id: credential.id, rawId: textOf(credential.rawId), type: credential.type, response });
}

for (const button of document.querySelectorAll("[data-security-key]")) {
  button.addEventListener("click", async () => {
    const form = button.form;
    if (!form.reportValidity()) return;
    try {
      const options = asked(form.elements.options.value);
      form.elements.credential.value = answered(await navigator.credentials[button.dataset.securityKey](options));
    } catch (error) {
      button.textContent = "That did not work. Try again";
      return;
    }
    form.submit();
  });
}
