export const isDevelopment: boolean = false;
