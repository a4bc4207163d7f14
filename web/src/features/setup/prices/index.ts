export { PricesSection } from './PricesSection';
