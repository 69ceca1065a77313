"use strict";
const element = document.getElementById("documentation");
SwaggerUIBundle({
  url: element.dataset.document,
  domNode: element,
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
});
