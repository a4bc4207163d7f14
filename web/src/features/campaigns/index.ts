export { CampaignList } from './CampaignList';
export { CampaignRoute } from './CampaignRoute';
export { NewCampaign } from './NewCampaign';
