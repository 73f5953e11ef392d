/* htmx for the whole page. Its configuration stands in base.html (<meta name="htmx-config">),
 * because htmx reads it when it starts: no indicator styles, no eval, no inline style settling. */
import htmx from 'htmx.org';

window.htmx = htmx;

export default htmx;
