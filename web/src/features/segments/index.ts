export { SegmentList } from './SegmentList';
export { SegmentRoute } from './SegmentRoute';
