/// <reference types="vite/client" />

declare module 'virtual:segue-theme.css';
