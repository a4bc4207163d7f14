/**
 * Checks at compile time that the hand-written wire types agree with the server's description: what
 * the server sends fits what the console reads, and what the console sends is what the server takes.
 * Nothing of this file is left at run time.
 */
import type { components } from './schema';
import type * as conversation from './conversation-types';
import type * as check from './file-check-types';
import type * as form from './form-types';
import type * as identity from './identity-types';
import type * as inbox from './inbox-types';
import type * as policy from './policy-types';
import type * as price from './price-types';
import type * as link from './link-types';
import type * as sender from './sender-types';
import type * as template from './template-types';
import type * as texts from './text-types';
import type * as wire from './types';

type Schemas = components['schemas'];

/** The server always sends optional fields, as `null`; its description only says they may be absent. */
type Sent<T> = T extends (infer Item)[]
  ? Sent<Item>[]
  : T extends object
    ? { [K in keyof T]-?: Sent<Exclude<T[K], undefined>> }
    : T;

/** The same for requests: the server takes an absent field wherever it takes `null`. */
type Taken<T> = T extends (infer Item)[]
  ? Taken<Item>[]
  : T extends object
    ? { [K in keyof T as null extends T[K] ? never : K]: Taken<T[K]> } & {
        [K in keyof T as null extends T[K] ? K : never]?: Taken<T[K]>;
      }
    : T;

type Fits<Given extends Expected, Expected> = Given;

export type Responses = [
  Fits<Sent<Schemas['User']>, wire.User>,
  Fits<Sent<Schemas['Workspace']>, wire.Workspace>,
  Fits<Sent<Schemas['Policy']>, policy.Policy>,
  Fits<Sent<Schemas['SenderDetail']>, sender.SenderDetail>,
  Fits<Sent<Schemas['RegistrationDetail']>, sender.Registration>,
  Fits<Sent<Schemas['SenderPool']>, sender.SenderPool>,
  Fits<Sent<Schemas['ChannelPrices']>, sender.ChannelPrices>,
  Fits<Sent<Schemas['SenderCapabilities']>, sender.SenderCapabilities>,
  Fits<Sent<Schemas['RuleBook']>, policy.RuleBook>,
  Fits<Sent<Schemas['Reachability']>, policy.Reachability>,
  Fits<Sent<Schemas['ApiKey']>, wire.ApiKey>,
  Fits<Sent<Schemas['Channel']>, wire.Channel>,
  Fits<Sent<Schemas['Sender']>, wire.Sender>,
  Fits<Sent<Schemas['Queue']>, wire.Queue>,
  Fits<Sent<Schemas['Flow']>, wire.Flow>,
  Fits<Sent<Schemas['FlowProblem']>, wire.FlowProblem>,
  Fits<Sent<Schemas['SetupStatus']>, wire.SetupStatus>,
  Fits<Sent<Schemas['Template']>, wire.Template>,
  Fits<Sent<Schemas['RateCard']>, price.RateCard>,
  Fits<Sent<Schemas['RateCardCheck']>, price.RateCardCheck>,
  Fits<Sent<Schemas['MonthVolumes']>, price.MonthVolumes>,
  Fits<Sent<Schemas['FileCheck']>, check.FileCheck>,
  Fits<Sent<Schemas['Form']>, form.WhatsAppForm>,
  Fits<Sent<Schemas['TemplateFinding']>, template.TemplateFinding>,
  Fits<Sent<Schemas['FilledTemplate']>, template.FilledTemplate>,
  Fits<Sent<Schemas['Contact']>, wire.Contact>,
  Fits<Sent<Schemas['ConsentEvent']>, wire.ConsentEvent>,
  Fits<Sent<Schemas['ContactConsent']>, wire.ContactConsent>,
  Fits<Sent<Schemas['InboundText']>, wire.InboundText>,
  Fits<Sent<Schemas['ConsentReview']>, wire.ConsentReview>,
  Fits<Sent<Schemas['Programme']>, wire.Programme>,
  Fits<Sent<Schemas['Subscription']>, wire.Subscription>,
  Fits<Sent<Schemas['ConsentSettings']>, wire.ConsentSettings>,
  Fits<Sent<Schemas['TextReading']>, wire.TextReading>,
  Fits<Sent<Schemas['ContactList']>, wire.ContactList>,
  Fits<Sent<Schemas['ContactViewRecord']>, wire.ContactView>,
  Fits<Sent<Schemas['AttributeDefinition']>, wire.AttributeDefinition>,
  Fits<Sent<Schemas['ContactAddress']>, wire.ContactAddress>,
  Fits<Sent<Schemas['ContactDeletion']>, wire.ContactDeletion>,
  Fits<Sent<Schemas['Duplicate']>, wire.Duplicate>,
  Fits<Sent<Schemas['DuplicateSearch']>, wire.DuplicateSearch>,
  Fits<Sent<Schemas['ContactMerge']>, wire.ContactMerge>,
  Fits<Sent<Schemas['Import']>, wire.Import>,
  Fits<Sent<Schemas['ImportFile']>, wire.ImportFile>,
  Fits<Sent<Schemas['UndoCounts']>, wire.UndoCounts>,
  Fits<Sent<Schemas['Campaign']>, wire.Campaign>,
  Fits<Sent<Schemas['Segment']>, wire.Segment>,
  Fits<Sent<Schemas['ConditionCheck']>, wire.ConditionCheck>,
  Fits<Sent<Schemas['Preflight']>, wire.Preflight>,
  Fits<Sent<Schemas['VariantReport']>, wire.VariantReport>,
  Fits<Sent<Schemas['CampaignSettings']>, wire.CampaignSettings>,
  Fits<Sent<Schemas['CampaignPreview']>, wire.CampaignPreview>,
  Fits<Sent<Schemas['TextPreview']>, wire.TextPreview>,
  Fits<Sent<Schemas['Funnel']>, wire.Funnel>,
  Fits<Sent<Schemas['Advertisement']>, wire.Advertisement>,
  Fits<Sent<Schemas['ChannelNumber']>, wire.ChannelNumber>,
  Fits<Sent<Schemas['CampaignLinks']>, link.CampaignLinks>,
  Fits<Sent<Schemas['ClickFigures']>, link.ClickFigures>,
  Fits<Sent<Schemas['LinkDomain']>, link.LinkDomain>,
  Fits<Sent<Schemas['Snippet']>, texts.Snippet>,
  Fits<Sent<Schemas['SnippetVersion']>, texts.SnippetVersion>,
  Fits<Sent<Schemas['SnippetUses']>, texts.SnippetUses>,
  Fits<Sent<Schemas['Suppression']>, texts.Suppression>,
  Fits<Sent<Schemas['SuppressionEvent']>, texts.SuppressionEvent>,
  Fits<Sent<Schemas['SuppressionsChanged']>, texts.SuppressionsChanged>,
  Fits<Sent<Schemas['NumbersDeactivated']>, texts.NumbersDeactivated>,
  Fits<Sent<Schemas['BounceRules']>, texts.BounceRules>,
  Fits<Sent<Schemas['Recipient']>, wire.Recipient>,
  Fits<Sent<Schemas['Presence']>, wire.Presence>,
  Fits<Sent<Schemas['Session']>, wire.Session>,
  Fits<Sent<Schemas['PendingReply']>, wire.PendingReply>,
  Fits<Sent<Schemas['Mention']>, inbox.Mention>,
  Fits<Sent<Schemas['Colleague']>, inbox.Colleague>,
  Fits<Sent<Schemas['TranscriptExport']>, inbox.TranscriptExport>,
  Fits<Sent<Schemas['ConversationSettings']>, conversation.ConversationSettings>,
  Fits<Sent<Schemas['Message']>, wire.Message>,
  Fits<Sent<Schemas['ChannelNotice']>, wire.ChannelNotice>,
  Fits<Sent<Schemas['Media']>, wire.Media>,
  Fits<Sent<Schemas['Attachment']>, wire.Attachment>,
  Fits<Sent<Schemas['Offer']>, wire.Offer>,
  Fits<Sent<Schemas['Lead']>, wire.Lead>,
  Fits<Sent<Schemas['Case']>, wire.Case>,
  Fits<Sent<Schemas['Panel']>, wire.CustomerPanel>,
  Fits<Sent<Schemas['LinkingSettings']>, identity.LinkingSettings>,
  Fits<Sent<Schemas['SearchHit']>, identity.SearchHit>,
  Fits<Sent<Schemas['MessageFlight']>, identity.MessageFlight>,
  Fits<Sent<Schemas['EarlierPart']>, identity.EarlierPart>,
  Fits<Sent<Schemas['CustomerBlock']>, identity.CustomerBlock>,
  Fits<Sent<Schemas['QuickReply']>, wire.QuickReply>,
  Fits<Sent<Schemas['DeadLetter']>, wire.DeadLetter>,
  Fits<Sent<Schemas['Bootstrap']>, wire.Bootstrap>,
];

export type Requests = [
  Fits<wire.CampaignInput, Taken<Schemas['CampaignInput']>>,
  Fits<wire.CampaignSettings, Taken<Schemas['CampaignSettings']>>,
  Fits<wire.ImportOptions, Taken<Schemas['ImportOptions']>>,
  Fits<inbox.NewTranscriptExport, Taken<Schemas['NewExport']>>,
  Fits<wire.OutgoingMessage, Taken<Schemas['NewReply']>>,
];
