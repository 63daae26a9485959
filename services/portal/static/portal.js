// Nothing here is needed to use a page: focus moves to notices, and a second press is ignored.
import {
  Button,
  ErrorSummary,
  NotificationBanner,
  SkipLink,
  createAll,
} from "./govuk-frontend.min.js";

document.body.classList.add("js-enabled", "govuk-frontend-supported");
for (const component of [Button, ErrorSummary, NotificationBanner, SkipLink]) {
  createAll(component);
}
