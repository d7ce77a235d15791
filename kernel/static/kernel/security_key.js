/* Asks the browser for a security key, and sends what it answers with the form. */
"use strict";

const WHAT_WENT_WRONG = {
  InvalidStateError: "This key is here already. Use another one.",
  NotAllowedError: "No key answered: it was cancelled, took too long, or is not one of yours. Try again.",
  SecurityError: "Security keys do not work at this address.",
};

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

function say(form, sentence) {
  const said = form.querySelector(".refused") || document.createElement("p");
  said.className = "refused";
  said.setAttribute("role", "alert");
  said.textContent = sentence;
  form.prepend(said);
}

async function useKey(form, what) {
  if (!form.reportValidity()) return;
  if (!navigator.credentials) return say(form, "Security keys need a browser that knows them, and an address with https.");
  try {
    const options = asked(form.elements.options.value);
    form.elements.credential.value = answered(await navigator.credentials[what](options));
  } catch (error) {
    return say(form, WHAT_WENT_WRONG[error.name] || "That did not work. Load the page again, and try again.");
  }
  form.submit();
}

for (const button of document.querySelectorAll("[data-security-key]")) {
  const { form, dataset: { securityKey: what } } = button;
  button.addEventListener("click", () => useKey(form, what));
  if (what === "create") {
    form.addEventListener("submit", (event) => { // the enter key in the field of the name
      event.preventDefault();
      useKey(form, what);
    });
  }
}
