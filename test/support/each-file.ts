// Vitest runs this before each test file of the e2e project.
import { afterAll, expect } from 'vitest';
import { forgetPersonalData, killLeftOverServices } from './service.js';

forgetPersonalData();
// A failed hook of the file before also skips the hook below.
killLeftOverServices();
afterAll(() => expect(killLeftOverServices(), 'services that the file has started and not stopped').toBe(0));
