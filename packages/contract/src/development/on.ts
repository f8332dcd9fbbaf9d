/** Bundlers come here by the condition `development`. */
export const isDevelopment: boolean = true;
