// A template from its first mistake to the customer's phone: an admin writes it, is told what WhatsApp would refuse, puts
// it right and submits it; the reviewer approves it; an agent sends it to a customer whose 24 hours are over.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually, productApi, sandboxApi } from '../lib/api.mjs';
import { accessibilityViolations, album, launch, openPage, signIn as signInTo } from '../lib/browser.mjs';
import { startDemo } from '../lib/product.mjs';

const CUSTOMER = '15550110001'; // Maria
const BUSINESS = '15550783881';
const HOUR = 3_600_000;

const id = (name) => `[data-testid="${name}"]`;

for (const engine of ['sqlite', 'postgres']) {
  describe(`templates on ${engine}`, { timeout: 240_000 }, () => {
    let demo, browser, product, sandbox, shot, admin, supervisor;

    before(async () => {
      demo = await startDemo(engine);
      product = productApi(demo);
      sandbox = sandboxApi(demo);
      browser = await launch();
      shot = await album(`templates-${engine}`);
      // Each screen once in light and once in dark.
      const [one, other] = engine === 'sqlite' ? ['light', 'dark'] : ['dark', 'light'];
      admin = await openPage(browser, { colorScheme: one });
      supervisor = await openPage(browser, { colorScheme: other });
      await sandbox.put('/templates/reviewer', { mode: 'manual' });
    });

    after(async () => {
      await browser?.close();
      await demo?.stop();
    });

    const signIn = ({ page }, email) => signInTo(page, demo, email);

    const noViolations = async ({ page }, what) => {
      assert.deepEqual(await accessibilityViolations(page), [], `accessibility of ${what}`);
    };

    const row = (page) => page.locator(id('template-row'), { hasText: 'order_ready' });

    it('shows the templates of WhatsApp with their status', async () => {
      const whatsapp = (await product.all('/channels')).find((channel) => channel.kind === 'whatsapp');
      await product.post(`/channels/${whatsapp.id}/sync-templates`);
      await signIn(admin, 'admin@acme.example');
      await admin.page.goto(`${demo.url}/setup/templates`);
      await admin.page.locator(id('template-row'), { hasText: 'spring_offer' }).getByText('Paused').waitFor();
      await shot(admin.page, 'list');
      await noViolations(admin, 'the list');
      await admin.page.fill(id('template-search'), 'nothing like it');
      await admin.page.getByText('No template fits').waitFor();
      await admin.page.fill(id('template-search'), '');
    });

    it('says what WhatsApp would refuse, beside the field, until it is put right', async () => {
      const { page } = admin;
      await page.click(id('template-new'));
      await page.fill(id('template-name'), 'order_ready');
      await page.fill(id('template-body'), '{{1}}, your order {{2}} is ready in our shop.');
      await page.getByText('A variable can stand neither at the very start').first().waitFor();
      assert.ok(await page.locator(id('template-submit')).isDisabled(), 'it is not submitted like this');
      await shot(page, 'mistake');
      await noViolations(admin, 'the editor with a mistake');
      await page.fill(id('template-body'), 'Hello {{1}}, your order {{2}} is ready in our shop.');
      await page.locator(id('template-sample')).nth(0).fill('Ana');
      await page.locator(id('template-sample')).nth(1).fill('1017');
      await page.locator(`${id('template-findings')}[data-errors="0"]`).getByText('Nothing WhatsApp').waitFor();
      await page.locator(id('template-preview')).getByText('Hello Ana, your order 1017').waitFor();
      await page.locator(id('template-button-kind')).selectOption('quick_reply');
      await page.click(id('template-button-add'));
      await page.locator(id('template-button')).getByRole('textbox').fill('Thank you');
      await eventually('the button is checked', async () => page.locator(id('template-submit')).isEnabled());
      await shot(page, 'put-right');
      await noViolations(admin, 'the editor');
    });

    it('submits it, and shows what the reviewer decides as soon as the webhook comes', async () => {
      const { page } = admin;
      await page.click(id('template-submit'));
      await row(page).getByText('In review').waitFor();
      await shot(page, 'in-review');
      await sandbox.patch('/templates/order_ready', { status: 'APPROVED', quality: 'GREEN' });
      await row(page).getByText('Approved').waitFor();
      await row(page).getByText('High').waitFor();
      const [template] = await product.all('/templates?name=order_ready');
      assert.equal(template.status, 'APPROVED');
      await row(page).locator(id('template-what-fills-it')).click();
      await page.locator(id('default-source')).nth(0).selectOption('contact.first_name');
      await page.locator(id('default-fallback')).nth(1).fill('1017');
      await shot(page, 'what-fills-it');
      await noViolations(admin, 'the dialog of what fills it');
      await page.click(id('defaults-save'));
      await eventually('the defaults are stored', async () => {
        const [stored] = await product.all('/templates?name=order_ready');
        return stored.defaults.length === 2;
      });
    });

    it('is sent to a customer whose window is closed', async () => {
      const { page } = supervisor;
      await signIn(supervisor, 'sam@acme.example');
      // The customer wrote 25 hours ago, by WhatsApp's own time.
      await sandbox.post('/clock', { advance_ms: -25 * HOUR });
      await sandbox.post(`/handsets/${CUSTOMER}/chats/${BUSINESS}/messages`, { type: 'text', text: 'Is it ready?' });
      await sandbox.post('/clock', { advance_ms: 25 * HOUR });
      const session = await eventually('the session is open', async () => (await product.all('/sessions'))[0]);
      await page.goto(`${demo.url}/inbox/${session.id}`);
      await page.getByRole('button', { name: 'Take over' }).first().click();
      await page.waitForSelector(id('template-picker'));
      assert.equal(await page.getByLabel('Your reply', { exact: true }).count(), 0, 'no free text outside of the window');
      await page.locator(id('template-option'), { hasText: 'order ready' }).click();
      const values = page.locator(id('template-parameter'));
      assert.equal(await values.nth(0).inputValue(), 'Maria', 'from the contact');
      assert.equal(await values.nth(1).inputValue(), '1017', 'the fallback');
      await values.nth(1).fill('2042');
      await shot(page, 'picker');
      await noViolations(supervisor, 'the picker');
      await page.click(id('template-send'));
      const text = 'Hello Maria, your order 2042 is ready in our shop.';
      const arrived = await eventually('the phone has it', async () => {
        const { chats } = await sandbox.get(`/handsets/${CUSTOMER}/chats`);
        return chats[0]?.messages.find((message) => message.text === text);
      });
      assert.deepEqual(arrived.template, { name: 'order_ready', language: 'en_US' });
      assert.deepEqual(arrived.buttons.map((button) => button.title), ['Thank you']);
      await page.locator(id('message-bubble'), { hasText: text }).waitFor();
      await shot(page, 'sent');
    });

    it('is deleted with a question first', async () => {
      const { page } = admin;
      await row(page).locator(id('template-delete')).click();
      await page.getByText('blocked for 30 days').waitFor();
      await noViolations(admin, 'the question');
      await page.click(id('template-delete-confirm'));
      await row(page).waitFor({ state: 'detached' });
      const { templates } = await sandbox.get('/templates');
      assert.ok(templates.every((template) => template.name !== 'order_ready'));
    });

    it('leaves no error in any console', () => {
      for (const { complaints } of [admin, supervisor]) {
        assert.deepEqual(complaints.filter((complaint) => !complaint.includes('401')), []);
      }
    });
  });
}
