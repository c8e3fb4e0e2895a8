// What a client that nobody here wrote makes of the sandbox's EWS: node client.js URL USER PASSWORD MAILBOX.
// One line of JSON at the end tells what each step came to.
const ews = require("ews-javascript-api");

const [url, user, password, mailbox] = process.argv.slice(2);
const marked = new ews.ExtendedPropertyDefinition(
  new ews.Guid("4c0a5e67-3d58-4e2c-9a2b-6f1c1b1e8d43"), "carillonKey", ews.MapiPropertyType.String);

async function steps() {
  const service = new ews.ExchangeService(ews.ExchangeVersion.Exchange2016);
  service.Url = new ews.Uri(url);
  service.Credentials = new ews.WebCredentials(user, password);
  service.ImpersonatedUserId = new ews.ImpersonatedUserId(ews.ConnectingIdType.SmtpAddress, mailbox);
  const told = {};

  const made = new ews.Appointment(service);
  made.Subject = "Größe ∂";
  made.Body = new ews.MessageBody(ews.BodyType.Text, "line one\nline two");
  made.Start = new ews.DateTime("2026-11-23T09:00:00Z");
  made.End = new ews.DateTime("2026-11-23T10:00:00Z");
  made.IsReminderSet = false;
  made.SetExtendedProperty(marked, "key-1");
  await made.Save(ews.WellKnownFolderName.Calendar, ews.SendInvitationsMode.SendToNone);
  told.created = made.Id.UniqueId;

  const filter = new ews.SearchFilter.IsEqualTo(marked, "key-1");
  const found = await service.FindItems(ews.WellKnownFolderName.Calendar, filter, new ews.ItemView(10));
  told.found = found.Items.map((item) => item.Id.UniqueId);

  const properties = new ews.PropertySet(ews.BasePropertySet.FirstClassProperties, [marked]);
  properties.RequestedBodyType = ews.BodyType.Text;
  const bound = await ews.Appointment.Bind(service, new ews.ItemId(told.created), properties);
  told.bound = [bound.Subject, bound.Body.Text, bound.Start.ToISOString(), bound.IsReminderSet];
  told.property = bound.ExtendedProperties.Items.map((each) => each.Value);

  let sync = await service.SyncFolderItems(
    new ews.FolderId(ews.WellKnownFolderName.Calendar), ews.PropertySet.IdOnly, null, 512,
    ews.SyncFolderItemsScope.NormalItems, null);
  told.synced = [kinds(sync)];

  bound.Location = "Room 5";
  await bound.Update(ews.ConflictResolutionMode.NeverOverwrite, ews.SendInvitationsOrCancellationsMode.SendToNone);
  sync = await again(service, sync);
  told.synced.push(kinds(sync));

  await bound.Delete(ews.DeleteMode.HardDelete, ews.SendCancellationsMode.SendToNone);
  sync = await again(service, sync);
  told.synced.push(kinds(sync));
  return told;
}

function again(service, sync) {
  return service.SyncFolderItems(
    new ews.FolderId(ews.WellKnownFolderName.Calendar), ews.PropertySet.IdOnly, null, 512,
    ews.SyncFolderItemsScope.NormalItems, sync.SyncState);
}

function kinds(sync) {
  return sync.GetEnumerator().map((change) => ews.ChangeType[change.ChangeType]);
}

steps().then(
  (told) => console.log(JSON.stringify(told)),
  (error) => { console.error(String(error && (error.message || error))); process.exit(1); });
